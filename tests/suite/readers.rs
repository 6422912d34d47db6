//! All that reads what somebody else wrote, each as a function of bytes. The tests of hostile input
//! and the fuzzers in `fuzz/` go through these.
//!
//! A reader takes the bytes or refuses them; what it takes keeps the promises of its type, and what
//! it says of the others has a remedy.

use std::fs;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use klfit::internals::{Answer, Checkpoint, Formula, State, Support, Variable, printed};
use klfit::{
    Error, Existing, Experiment, LandscapeConfig, Mixture, Opening, Override, Result, RunFolder,
    STARTER, Server, Sweep, SweepFolder, read_mixture, read_operand,
};
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A reader and its name, which is its fuzzer's and its corpus's too.
type Reader = (&'static str, fn(&[u8]) -> Result<()>);

/// All there are.
pub const READERS: [Reader; 17] = [
    ("config", config),
    ("setting", setting),
    ("density_toml", |bytes| density("toml", bytes)),
    ("density_json", |bytes| density("json", bytes)),
    ("density_npz", |bytes| density("npz", bytes)),
    ("attributes", attributes),
    ("rows_csv", |bytes| density("csv", bytes)),
    ("rows_npy", |bytes| density("npy", bytes)),
    ("summary", summary),
    ("trajectory", trajectory),
    ("checkpoint", checkpoint),
    ("figures", figures),
    ("report", report),
    ("sweep_table", sweep_table),
    ("messages", messages),
    ("formula", formula),
    ("replies", replies),
];

/// Gives bytes to the reader of a name; says whether it took them.
///
/// # Panics
/// If it does, or breaks a promise.
pub fn read(name: &str, bytes: &[u8]) -> bool {
    let (_, reader) = (READERS.iter())
        .find(|(known, _)| *known == name)
        .expect("a reader of that name");
    match reader(bytes) {
        Ok(()) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(error.help().is_none_or(|help| !help.is_empty()));
            if let Error::Config(error) = &error
                && let Some(span) = error.location.span.clone()
            {
                // What the command line points at is there, in whole characters.
                assert!(error.location.text.get(span).is_some());
            }
            false
        }
    }
}

fn config(bytes: &[u8]) -> Result<()> {
    in_folder(&[("config.toml", bytes)], |folder| {
        let path = folder.join("config.toml");
        if let Some(sweep) = Sweep::load(&path, &[])? {
            assert!(!sweep.points.is_empty());
            return Ok(());
        }
        runs_again(&Experiment::load(&path, Vec::new())?);
        Ok(())
    })
}

/// `--set key=value`, on the config that `klfit init` writes.
fn setting(bytes: &[u8]) -> Result<()> {
    let refused = |message: String| Error::Usage {
        message,
        help: "set something else".to_owned(),
    };
    let text = str::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    let one = Override::parse(text).map_err(refused)?;
    runs_again(&Experiment::parse(
        Path::new("config.toml"),
        STARTER,
        vec![one],
    )?);
    Ok(())
}

/// The config that a run leaves runs the same experiment.
fn runs_again(experiment: &Experiment) {
    if experiment.target.as_samples().is_some() {
        return;
    }
    let text = experiment.to_toml().expect("a config of finite numbers");
    let again = Experiment::parse(Path::new("config.toml"), &text, Vec::new());
    let again = again.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.config, experiment.config, "{text}");
}

fn density(extension: &str, bytes: &[u8]) -> Result<()> {
    let name = format!("density.{extension}");
    in_folder(&[(&name, bytes)], |folder| {
        let path = folder.join(&name);
        let operand = read_operand(&path.to_string_lossy())?;
        assert!(!operand.describe().is_empty());
        match operand.model.elliptical() {
            Some(of) => is_density(of.scales),
            None => assert!(operand.model.as_samples().is_none(), "rows have no density"),
        }
        Ok(())
    })
}

/// The arrays of an archive one after the other, which checksums would hide from a fuzzer.
fn attributes(bytes: &[u8]) -> Result<()> {
    const MAGIC: &[u8] = b"\x93NUMPY";
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut rest = bytes.strip_prefix(MAGIC).unwrap_or(bytes);
    for name in ["weights_", "means_", "covariances_", "covariance_type"] {
        let end = (rest.windows(MAGIC.len())).position(|window| window == MAGIC);
        let (array, after) = rest.split_at(end.unwrap_or(rest.len()));
        let file = format!("{name}.npy");
        archive.start_file(file, stored).expect("a new file");
        archive.write_all(&[MAGIC, array].concat()).expect("memory");
        rest = after.strip_prefix(MAGIC).unwrap_or_default();
        if end.is_none() {
            break;
        }
    }
    let archive = archive.finish().expect("memory").into_inner();
    density("npz", &archive)
}

fn is_density(mixture: &Mixture) {
    let total: f64 = mixture.weights().iter().sum();
    assert!((total - 1.0).abs() < 1e-9, "the weights sum to {total}");
    for (mean, factor) in mixture.means().iter().zip(mixture.scale_trils()) {
        assert!(mean.iter().chain(factor).all(|number| number.is_finite()));
        assert!(factor.diagonal().iter().all(|&entry| entry > 0.0));
    }
}

fn summary(bytes: &[u8]) -> Result<()> {
    in_run_folder("summary.json", bytes, |folder| {
        let summary = RunFolder::open(folder)?.summary()?;
        for fit in &summary.fits {
            if let Ok(mixture) = read_mixture(folder, Some(&fit.label)) {
                is_density(&mixture);
            }
        }
        Opening::read(folder).map(drop)
    })
}

fn trajectory(bytes: &[u8]) -> Result<()> {
    in_run_folder("forward-kl/trajectory.csv", bytes, |folder| {
        let trajectory = RunFolder::open(folder)?.trajectory("forward-kl")?;
        let names = trajectory.parameter_names.len();
        for row in &trajectory.rows {
            assert_eq!(row.parameters.len(), names);
        }
        Opening::read(folder).map(drop)
    })
}

/// What `klfit run --resume` goes on from: a file, or the JSON in one, which its checksum would hide
/// from a fuzzer.
fn checkpoint(bytes: &[u8]) -> Result<()> {
    let framed = match bytes.starts_with(b"klfit") {
        true => bytes.to_vec(),
        // The checksum of the trajectory differs from one run to another, since clocks are in it.
        false => {
            let sum = format!("\"sum\":{}", short_run().sum);
            let json = String::from_utf8_lossy(bytes).replace("\"sum\":0", &sum);
            Checkpoint::framed(json.as_bytes())
        }
    };
    in_run_folder("forward-kl/checkpoint", &framed, |folder| {
        fs::remove_file(folder.join("summary.json")).expect("a summary");
        let experiment = RunFolder::open(folder)?.experiment()?;
        let run = RunFolder::create(folder, &experiment, Existing::Resume)?;
        let summary = klfit::run(&experiment, &experiment.numerics()?, &run, &mut ())?;
        assert_eq!(summary.fits.len(), 1);
        Ok(())
    })
}

/// What `klfit plot` draws from.
fn figures(bytes: &[u8]) -> Result<()> {
    in_run_folder("forward-kl/trajectory.csv", bytes, |folder| {
        klfit::draw_figures(&RunFolder::open(folder)?).map(drop)
    })
}

/// What `klfit report` and `klfit landscape` make of a run.
fn report(bytes: &[u8]) -> Result<()> {
    in_run_folder("summary.json", bytes, |folder| {
        let run = RunFolder::open(folder)?;
        let coarse = LandscapeConfig {
            across: "mean=-1:1:5".parse().ok(),
            up: "std=0.5:2:5".parse().ok(),
            points: Some(*LandscapeConfig::POINTS.start()),
            basins: false,
        };
        klfit::survey_run(
            &run,
            &coarse,
            &klfit::settings::FiguresConfig::default(),
            Some(&folder.join("landscape")),
            &mut (),
        )?;
        klfit::report(&[folder.to_owned()], &folder.join("report")).map(drop)
    })
}

fn sweep_table(bytes: &[u8]) -> Result<()> {
    in_run_folder("sweep.csv", bytes, |folder| {
        let sweep = SweepFolder::open(folder).expect("a table");
        let points = sweep.points()?.collect::<Result<Vec<_>>>()?;
        assert!(!points.is_empty());
        Ok(())
    })
}

/// What a page says to the server of `klfit explore`.
fn messages(bytes: &[u8]) -> Result<()> {
    static PAGE: Mutex<Option<Page>> = Mutex::new(None);
    let message = String::from_utf8_lossy(bytes);
    // A longer one closes the page.
    let message = &message[..message.floor_char_boundary(60_000)];
    let mut page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = page.get_or_insert_with(Page::open);
    match page.say(message) {
        true => Ok(()),
        false => Err(Error::Usage {
            message: "the page is told of an error".to_owned(),
            help: "say something else".to_owned(),
        }),
    }
}

/// A page of a server in this process, which is never closed.
struct Page {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
}

impl Page {
    fn open() -> Self {
        let (tell, told) = channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let server = Server::bind(0, Opening::default()).await.unwrap();
                tell.send(server.url()).unwrap();
                server.serve(std::future::pending()).await;
            });
        });
        let url = told.recv().unwrap().replace("http://", "ws://");
        let (socket, _) = tungstenite::connect(format!("{url}socket")).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            let patience = Some(Duration::from_secs(30));
            stream.set_read_timeout(patience).unwrap();
        }
        let mut page = Self { socket };
        assert_eq!(page.hear()["type"], "hello");
        page
    }

    /// Says something and then what is always answered; whether no error was heard in between.
    fn say(&mut self, message: &str) -> bool {
        let hello = serde_json::to_value(State::default()).unwrap();
        let last = json!({"type": "config", "id": u64::MAX, "state": hello}).to_string();
        let trains =
            serde_json::from_str::<Value>(message).is_ok_and(|message| message["type"] == "run");
        self.socket.send(Message::text(message)).unwrap();
        let mut replies = Vec::new();
        if trains {
            // An error, or the news of its first step.
            replies.push(self.hear());
        }
        for text in ["{\"type\": \"stop\"}", &last] {
            self.socket.send(Message::text(text)).unwrap();
        }
        loop {
            let reply = self.hear();
            if reply["id"] == json!(u64::MAX) && reply["type"] == "config" {
                break;
            }
            replies.push(reply);
        }
        for reply in &replies {
            // How the server tells of a panic.
            let message = reply["message"].as_str().unwrap_or_default();
            assert!(!message.contains("panic"), "{message}");
        }
        replies.iter().all(|reply| reply["type"] != "error")
    }

    fn hear(&mut self) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(text.as_str()).unwrap(),
                Ok(_) => {}
                // By the clock of a fuzzer.
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no answer in time: {error}"),
            }
        }
    }
}

/// Calls `read` with a folder that holds these files.
fn in_folder<T>(files: &[(&str, &[u8])], read: impl FnOnce(&Path) -> T) -> T {
    // In memory where the system has such a folder: fuzzers write thousands of files in a second.
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a temporary folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("the folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    read(folder.path())
}

/// Calls `read` with the folder of a run in which one file holds these bytes.
pub fn in_run_folder<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let others = (short_run().files.iter())
        .filter(|(other, _)| *other != name)
        .map(|(other, bytes)| (*other, &bytes[..]));
    let files: Vec<(&str, &[u8])> = others.chain([(name, bytes)]).collect();
    in_folder(&files, read)
}

/// A short run, with the number that the seeds have.
struct ShortRun {
    files: Vec<(&'static str, Vec<u8>)>,
    /// The checksum of its trajectory before the last step.
    sum: u32,
}

fn short_run() -> &'static ShortRun {
    static RUN: OnceLock<ShortRun> = OnceLock::new();
    RUN.get_or_init(finished_run)
}

fn finished_run() -> ShortRun {
    const ID: &str = "0123456789abcdef0123456789abcdef";
    const CONFIG: &str = r#"name = "short"
restarts = 2
[target]
weights = [0.4, 0.6]
means = [[-2.0], [2.0]]
stds = [[1.0], [1.0]]
[estimator]
points = 51
[optimizer]
steps = 4
[log]
every = 1
[[fit]]
divergence = "forward-kl"
"#;
    in_folder(&[], |folder| {
        let experiment = Experiment::parse(Path::new("short.toml"), CONFIG, Vec::new()).unwrap();
        let path = folder.join("run");
        let run = RunFolder::create(&path, &experiment, Existing::Refuse).unwrap();
        let numerics = experiment.numerics().unwrap();
        let own = klfit::run(&experiment, &numerics, &run, &mut ())
            .unwrap()
            .id;
        let read = |name: &'static str| {
            let text = fs::read_to_string(path.join(name)).unwrap();
            (name, text.replace(&own, ID).into_bytes())
        };
        let checkpoint = fs::read(path.join("forward-kl/checkpoint")).unwrap();
        ShortRun {
            files: [
                "manifest",
                "config.toml",
                "summary.json",
                "forward-kl/trajectory.csv",
            ]
            .map(read)
            .into(),
            sum: Checkpoint::parse(&checkpoint).unwrap().rows[0].sum,
        }
    })
}

/// A formula of coordinates of three kinds, with lists of data.
fn formula(bytes: &[u8]) -> Result<()> {
    let refused = |message: String, help: String| Error::Usage { message, help };
    let text = str::from_utf8(bytes)
        .map_err(|error| refused(error.to_string(), "write text".to_owned()))?;
    let variable = |name: &str, len, support| Variable {
        name: name.to_owned(),
        len,
        support,
    };
    let variables = vec![
        variable("a", 1, Support::Real),
        variable("p", 2, Support::Between(0.0, 1.0)),
        variable("s", 1, Support::Above(-1.0)),
    ];
    let constants = [
        ("y", vec![1.0, -0.5]),
        ("w", vec![0.0, 2.0, 3.0]),
        ("c", vec![0.7]),
    ];
    let constants = constants.map(|(name, numbers)| (name.to_owned(), numbers));
    if let Ok(once) = printed(text) {
        // Brackets that are added may be too many.
        match printed(&once) {
            Ok(again) => assert_eq!(once, again, "{text}"),
            Err(error) => assert!(
                error.message.contains("within each other")
                    || error.message.contains("longer than"),
                "{error:?} {text}"
            ),
        }
    }
    let formula =
        Formula::new(text, variables, constants.into_iter().collect()).map_err(|error| {
            assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            assert!(!error.help.is_empty(), "{error:?}");
            refused(error.message, error.help)
        })?;
    assert!(formula.offset().is_finite());
    if formula.size() > 1 << 14 {
        return Ok(());
    }
    let points = [
        0.3, -0.4, 1.2, 0.1, -30.0, 0.0, 40.0, -2.0, 1e8, 1e-300, 0.0, 0.0,
    ];
    let (mut values, mut again) = ([f64::NAN; 3], [f64::NAN; 3]);
    formula.evaluate(&points, &mut values, Some(&mut [f64::NAN; 12]));
    formula.evaluate(&points, &mut again, None);
    for (value, again) in values.iter().zip(&again) {
        assert!(value == again || value.is_nan() && again.is_nan(), "{text}");
    }
    Ok(())
}

/// What a program answers to batches of three points in the plane, one after the other.
fn replies(bytes: &[u8]) -> Result<()> {
    const POINTS: usize = 3;
    const DIM: usize = 2;
    const MOST: usize = 8 * POINTS * (1 + DIM);
    /// Hands out the bytes, and sees how much room is made for them: once in an answer more than its numbers
    /// need, for a header.
    struct Stdout<'a> {
        left: &'a [u8],
        has_header: bool,
    }
    impl Read for Stdout<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let count = self.left.read(room)?;
            if room.len() > MOST {
                assert!(!self.has_header, "room for {} bytes", room.len());
                assert!(room.len() <= 10_000, "room for {} bytes", room.len());
                self.has_header = count == room.len();
            }
            Ok(count)
        }
    }
    let mut stdout = Stdout {
        left: bytes,
        has_header: false,
    };
    loop {
        let is_over = stdout.left.is_empty() && !bytes.is_empty();
        stdout.has_header = false;
        match Answer::read(&mut stdout, POINTS, DIM) {
            Ok(Answer { width, values }) => {
                assert!(width == 1 || width == 1 + DIM, "{width}");
                assert_eq!(values.len(), POINTS * width);
            }
            Err(said) if is_over => {
                assert_eq!(said, "has ended without an answer");
                return Ok(());
            }
            Err(said) => {
                return Err(Error::Usage {
                    message: said,
                    help: "answer with arrays".to_owned(),
                });
            }
        }
    }
}
