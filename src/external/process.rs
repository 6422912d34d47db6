//! The process of a program, and what is said to it and by it.

use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::answer::{Answer, NO_ANSWER};
use crate::files::npy;
use crate::text;

/// So much of the end of what it writes to standard error is kept.
const KEPT: usize = 2000;
/// How long a process that has closed its output may take to end, so that its exit status and last words are told.
const ENDS_WITHIN: Duration = Duration::from_millis(500);

/// What is started, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder it works in.
    pub folder: PathBuf,
    /// How long it may take for one batch of points.
    pub timeout: Duration,
}

impl Invocation {
    /// As one would type it.
    pub fn typed(&self) -> String {
        let words: Vec<_> = (self.command.iter())
            .map(|word| text::shell_word(word))
            .collect();
        words.join(" ")
    }
}

/// Why a process is of no use any more.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub message: String,
    pub help: String,
    /// Whether it took too long: another would too.
    pub is_late: bool,
}

impl Broken {
    pub fn new(message: String, help: impl Into<String>) -> Self {
        Self {
            message,
            help: help.into(),
            is_late: false,
        }
    }

    /// Of one that answered in another way than before.
    pub fn changed(name: &str) -> Self {
        Self::new(
            format!("{name} answered with a gradient at one time and without one at another"),
            "answer every batch in the same way",
        )
    }
}

/// Points that are on their way.
struct Batch {
    bytes: Vec<u8>,
    count: usize,
    dim: usize,
}

/// A process that answers batches of points.
#[derive(Debug)]
pub(super) struct Process {
    typed: String,
    timeout: Duration,
    child: Child,
    /// Batches for the thread that talks with it; none once it has ended.
    batches: Option<SyncSender<Batch>>,
    answers: Receiver<Result<Answer, String>>,
    last_words: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    pub fn start(invocation: &Invocation) -> Result<Self, Broken> {
        let typed = invocation.typed();
        let cannot = |error: &dyn std::fmt::Display, help: &str| {
            Broken::new(format!("cannot start `{typed}`: {error}"), help)
        };
        let Some((program, arguments)) = invocation.command.split_first() else {
            return Err(cannot(
                &"there is no program",
                "name one, as in command = [\"python3\", \"model.py\"]",
            ));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&invocation.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for klfit, which ends it when it has written what there is.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let help = "give the name of a program that is on the PATH, or its path, and see that its folder is there";
        let mut child = command.spawn().map_err(|error| cannot(&error, help))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(cannot(&"it has no pipes", help));
        };
        widen(&stdin);
        widen(&stdout);
        let (batches, to_send) = sync_channel(0);
        let (answered, answers) = sync_channel(1);
        std::thread::spawn(move || talk(stdin, stdout, &to_send, &answered));
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let words = Arc::clone(&last_words);
        let listener = std::thread::spawn(move || listen(stderr, &words));
        Ok(Self {
            typed,
            timeout: invocation.timeout,
            child,
            batches: Some(batches),
            answers,
            last_words,
            listener: Some(listener),
        })
    }

    /// Log p, and its gradient if the program gives one, at points x `[N, D]`.
    pub fn ask(&mut self, x: &[f64], dim: usize) -> Result<Answer, Broken> {
        let count = x.len() / dim;
        let batch = Batch {
            bytes: npy::encoded(&[count, dim], x),
            count,
            dim,
        };
        let sent = (self.batches.as_ref()).is_some_and(|batches| batches.send(batch).is_ok());
        let answer = match sent {
            true => self.answers.recv_timeout(self.timeout),
            false => Err(RecvTimeoutError::Disconnected),
        };
        let wrong = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(said)) => said,
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                let words = self.last_words();
                return Err(Broken {
                    message: format!(
                        "`{}` did not answer {} within {} s",
                        self.typed,
                        text::count(count, "point"),
                        self.timeout.as_secs_f64()
                    ),
                    help: format!(
                        "flush standard output after each answer; or give it more time, as in timeout = {}{words}",
                        10.0 * self.timeout.as_secs_f64()
                    ),
                    is_late: true,
                });
            }
            Err(RecvTimeoutError::Disconnected) => NO_ANSWER.to_owned(),
        };
        let status = self.status();
        self.end();
        let words = self.last_words();
        Err(Broken::new(
            format!("`{}` {wrong}{status}", self.typed),
            format!(
                "for every N x {dim} points on standard input write log p, of shape ({count},) for {count}, or log p \
                 and its gradient, of shape ({count}, {}), to standard output, and nothing else{words}",
                1 + dim
            ),
        ))
    }

    /// How it ended, if it did of its own.
    fn status(&mut self) -> String {
        self.batches = None;
        let began = Instant::now();
        while began.elapsed() < ENDS_WITHIN {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!(" ({status})"),
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(_) => break,
            }
        }
        String::new()
    }

    /// Ends it, if it has not ended.
    pub fn end(&mut self) {
        self.batches = None;
        // There is no one to tell that a process is not there any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The end of what it wrote to standard error.
    fn last_words(&mut self) -> String {
        // What it started may hold the pipe open; then what there is by now is told.
        let began = Instant::now();
        while began.elapsed() < ENDS_WITHIN
            && (self.listener.as_ref()).is_some_and(|listener| !listener.is_finished())
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        let words = (self.last_words.lock()).unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words);
        match words.trim() {
            "" => String::new(),
            words => format!("\nit wrote to standard error:\n{words}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes room in a pipe for a batch, where the system can: there and back between two processes for every 64 KiB takes
/// as long as the bytes do.
#[cfg(target_os = "linux")]
fn widen(pipe: impl std::os::fd::AsFd) {
    const BYTES: usize = 1 << 20;
    // It may be more than the system allows; then it stays as it is.
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, BYTES);
}

#[cfg(not(target_os = "linux"))]
fn widen<T>(_: T) {}

/// Sends batches and reads answers until either end is closed.
fn talk(
    mut stdin: ChildStdin,
    stdout: ChildStdout,
    batches: &Receiver<Batch>,
    answers: &SyncSender<Result<Answer, String>>,
) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    while let Ok(batch) = batches.recv() {
        // A program that reads no more may have answered, or said why.
        let sent = stdin.write_all(&batch.bytes).and_then(|()| stdin.flush());
        let answer = Answer::read(&mut stdout, batch.count, batch.dim);
        let is_over = sent.is_err() || answer.is_err();
        if answers.send(answer).is_err() || is_over {
            break;
        }
    }
}

/// Keeps the end of what is said.
fn listen(mut stderr: impl Read, words: &Mutex<Vec<u8>>) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut part) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&part[..count]);
        let over = words.len().saturating_sub(KEPT);
        words.drain(..over);
    }
}
