//! What other programs need to run the points of a sweep: a script for Slurm or GNU parallel, a manifest for Kubernetes.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

use clap::ValueEnum;

use super::Sweep;
use crate::cli::output::to_stdout;
use crate::cli::{Outcome, Verbosity};
use crate::config;
use crate::error::{Error, Result};
use crate::text::{count, is_unseen, json, shell_word};

/// More tasks than this are asked for, not assumed.
const MOST_TASKS: usize = 100;

/// A program that runs tasks, often on many machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    // A script for sbatch.
    Slurm,
    // The manifest of an indexed Job.
    Kubernetes,
    // A script for GNU parallel.
    Parallel,
}

impl Engine {
    /// How the files that it reads end.
    fn extension(self) -> &'static str {
        match self {
            Self::Slurm => "sbatch",
            Self::Kubernetes => "yaml",
            Self::Parallel => "sh",
        }
    }

    /// How it is told to run one.
    fn submits(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Slurm => ("sbatch", &[]),
            Self::Kubernetes => ("kubectl", &["apply", "-f"]),
            Self::Parallel => ("sh", &[]),
        }
    }
}

/// The command that asks for the same sweep in other words.
pub fn command(asked: &Sweep, words: &[&str]) -> Vec<String> {
    let mut command = vec!["klfit".to_owned(), "sweep".to_owned()];
    command.push(asked.config.display().to_string());
    command.extend(words.iter().map(|&word| word.to_owned()));
    for one in &asked.set {
        let set = one.from.strip_prefix("--set ").unwrap_or(&one.from);
        command.extend(["--set".to_owned(), set.to_owned()]);
    }
    command.extend(asked.results.asked_folder());
    command
}

/// A command as a shell reads it.
pub fn shell(command: &[String]) -> String {
    let words: Vec<_> = command.iter().map(|word| shell_word(word)).collect();
    words.join(" ")
}

/// Writes what an engine reads, and has it run that where it is asked to.
pub fn write(
    asked: &Sweep,
    engine: Engine,
    sweep: &config::Sweep,
    verbosity: Verbosity,
) -> Result<Outcome> {
    let points = sweep.points.len();
    let tasks = asked.tasks.unwrap_or(points.min(MOST_TASKS));
    if tasks == 0 || tasks > points {
        return Err(Error::usage(
            format!("--tasks {tasks}: the sweep has {}", count(points, "point")),
            format!("give between 1 and {points}"),
        ));
    }
    if let Some(word) = (command(asked, &[]).iter()).find(|word| word.contains(is_unseen)) {
        return Err(Error::usage(
            format!("{word:?} cannot stand in a script"),
            "give it a name without line breaks and control characters",
        ));
    }
    let script = Script {
        asked,
        name: &sweep.name,
        points,
        tasks,
    };
    let text = match engine {
        Engine::Slurm => script.slurm(),
        Engine::Kubernetes => script.kubernetes(),
        Engine::Parallel => script.parallel(),
    };
    let path = PathBuf::from(format!("{}.{}", sweep.name, engine.extension()));
    keep(&path, &text, asked.results.replaces())?;
    let (program, options) = engine.submits();
    let mut run = process::Command::new(program);
    run.args(options).arg(&path);
    let words = format!(
        "{program} {}",
        [options, &[&path.to_string_lossy()]].concat().join(" ")
    );
    if !verbosity.quiet {
        let then = match asked.submit {
            true => String::new(),
            false => format!("; look at it, then `{words}`"),
        };
        to_stdout(format_args!(
            "wrote {}: {} in {}{then}",
            path.display(),
            count(points, "point"),
            count(tasks, "task")
        ));
    }
    if !asked.submit {
        return Ok(Outcome::Success);
    }
    let status = run.status().map_err(|error| {
        Error::usage(
            format!("{program} cannot be started: {error}"),
            format!("leave --submit out, and run `{words}` where it can"),
        )
    })?;
    Ok(match status.success() {
        true => Outcome::Success,
        false => Outcome::FailedRun,
    })
}

/// Writes a script, over one that is there only where that is asked for.
fn keep(path: &Path, text: &str, replaces: bool) -> Result<()> {
    let made = match replaces {
        true => File::create(path),
        false => File::create_new(path),
    };
    let mut file = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::usage(
            format!("{} is there already", path.display()),
            "replace it with --force, or move it away",
        ),
        _ => Error::io("create", path)(error),
    })?;
    file.write_all(text.as_bytes())
        .map_err(Error::io("write", path))
}

/// What a script says.
struct Script<'a> {
    asked: &'a Sweep,
    name: &'a str,
    points: usize,
    tasks: usize,
}

impl Script<'_> {
    fn first_line(&self) -> String {
        let then = shell(&command(self.asked, &["--gather"]));
        format!(
            "# {}: {} in {}. The table and the figures, when they have run:\n#   {then}\n",
            self.name,
            count(self.points, "point"),
            count(self.tasks, "task")
        )
    }

    /// The command of one task; `shard` is for the shell to read.
    fn task(&self, shard: &str) -> String {
        format!("{} --shard {shard}", shell(&command(self.asked, &[])))
    }

    fn slurm(&self) -> String {
        let (first, name, tasks) = (self.first_line(), shell_word(self.name), self.tasks);
        let task = self.task(&format!("\"$SLURM_ARRAY_TASK_ID/{tasks}\""));
        format!(
            "#!/bin/sh
{first}#SBATCH --job-name={name}
#SBATCH --array=1-{tasks}
#SBATCH --cpus-per-task=1
#SBATCH --output={name}-%a.log
#SBATCH --open-mode=append
# A task that is preempted, or whose machine fails, goes on where it was.
#SBATCH --requeue
export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-1}}\"
exec {task}
"
        )
    }

    fn parallel(&self) -> String {
        let (first, tasks) = (self.first_line(), self.tasks);
        let task = self.task(&format!("{{}}/{tasks}"));
        format!(
            "#!/bin/sh
{first}# A task takes all cores of its machine: add --sshloginfile FILE for others, which see this folder too.
seq {tasks} | parallel --jobs 1 --workdir . {}
",
            shell_word(&task)
        )
    }

    fn kubernetes(&self) -> String {
        let (first, tasks) = (self.first_line(), self.tasks);
        let name = kubernetes_name(self.name);
        let shard = format!("auto/{tasks}");
        let command: Vec<String> = (command(self.asked, &["--shard", &shard]).iter())
            .map(|word| quoted(word))
            .collect();
        let command = command.join(", ");
        format!(
            "{first}apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {tasks}
  parallelism: {tasks}
  # A task that is evicted begins again, and goes on where it was.
  backoffLimitPerIndex: 5
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: klfit
          # An image that has klfit.
          image: klfit
          command: [{command}]
          workingDir: /work
          env:
            - name: RAYON_NUM_THREADS
              value: \"1\"
          resources:
            requests:
              cpu: \"1\"
          volumeMounts:
            - name: work
              mountPath: /work
      volumes:
        # The config and the results: a claim that many nodes may write to, ReadWriteMany.
        - name: work
          persistentVolumeClaim:
            claimName: klfit
"
        )
    }
}

/// A text as a string of YAML, which JSON's are too.
fn quoted(text: &str) -> String {
    json(&serde_json::Value::from(text).to_string())
}

/// A name as Kubernetes takes it: of lower-case letters, digits and hyphens, up to 63.
fn kubernetes_name(name: &str) -> String {
    let plain: String = (name.to_lowercase().chars())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(50)
        .collect();
    match plain.trim_matches('-') {
        "" => "klfit-sweep".to_owned(),
        plain => format!("klfit-{plain}"),
    }
}
