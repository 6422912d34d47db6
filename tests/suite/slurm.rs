//! A sweep as an array of tasks of a real Slurm, some of which are killed and begin again: what is left is what one
//! process leaves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use klfit::{Existing, Sweep};

use crate::parts::results;

/// Twenty points, of which the last five take seconds each.
const SWEEP: &str = r#"
name = "array"
restarts = 2
[target]
weights = [0.4, 0.6]
means = [[-2.0, 1.0], [1.5, 0.0]]
stds = [[1.0, 0.8], [0.7, 1.2]]
[checkpoint]
every = 2000
[log]
every = 8000
[estimator]
type = "monte-carlo"
samples = 256
[[fit]]
divergence = "reverse-kl"
[sweep.grid]
"optimizer.steps" = [1000, 2000, 3000, 120000]
seed = [1, 2, 3, 4, 5]
"#;
const POINTS: usize = 20;
/// The last of these are killed while they run.
const KILLED: usize = 5;
/// How long all may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A cluster of one machine, for as long as this is here.
struct Cluster<'f> {
    folder: &'f Path,
    daemons: Vec<Child>,
}

impl<'f> Cluster<'f> {
    fn new(folder: &'f Path) -> Self {
        let at = |name: &str| folder.join(name).display().to_string();
        for name in ["state", "spool"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        // Any bytes do: nobody else is told them.
        fs::write(folder.join("key"), [7; 1024]).unwrap();
        assert!(
            Command::new("chmod")
                .args(["400", &at("key")])
                .status()
                .unwrap()
                .success()
        );
        let socket = at("munge.socket");
        let config = format!(
            "ClusterName=one
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={socket}
SlurmctldPort=26817
SlurmdPort=26818
StateSaveLocation={state}
SlurmdSpoolDir={spool}
SlurmctldPidFile={controller}.pid
SlurmdPidFile={node}.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
",
            state = at("state"),
            spool = at("spool"),
            controller = at("slurmctld"),
            node = at("slurmd"),
        );
        fs::write(folder.join("slurm.conf"), config).unwrap();
        let mut this = Self {
            folder,
            daemons: Vec::new(),
        };
        let munge = ["--foreground", "--force", "--num-threads=1"].map(str::to_owned);
        let places = ["socket", "pid-file", "log-file", "seed-file"].map(|what| match what {
            "socket" => format!("--socket={socket}"),
            _ => format!("--{what}={}", at(&format!("munge.{what}"))),
        });
        let key = [format!("--key-file={}", at("key"))];
        this.start("munged", &[&munge[..], &places, &key].concat());
        this.wait("munge", |_| folder.join("munge.socket").exists());
        let config = ["-D".to_owned(), "-f".to_owned(), at("slurm.conf")];
        this.start("slurmctld", &config);
        this.start(
            "slurmd",
            &[&config[..], &["-N".to_owned(), "localhost".to_owned()]].concat(),
        );
        this.wait("a node", |this| {
            this.ask("sinfo", &["-h", "-o", "%t"]).trim() == "idle"
        });
        this
    }

    fn start(&mut self, program: &str, arguments: &[String]) {
        let log = fs::File::create(self.folder.join(format!("{program}.log"))).unwrap();
        let started = Command::new(program)
            .args(arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        self.daemons
            .push(started.unwrap_or_else(|error| panic!("{program}: {error}")));
    }

    /// A command of Slurm's, or klfit, in the folder.
    fn command(&self, program: &str) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_klfit")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        (command.current_dir(self.folder))
            .env("SLURM_CONF", self.folder.join("slurm.conf"))
            .env("PATH", path);
        command
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn wait(&self, what: &str, is_there: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_there(self) {
            assert!(begun.elapsed() < PATIENCE, "{what} does not come");
            sleep(Duration::from_millis(100));
        }
    }

    /// The tasks in this state, such as R for those that run.
    fn tasks(&self, state: &str) -> Vec<String> {
        let listed = self.ask("squeue", &["-h", "-r", "-t", state, "-o", "%i"]);
        listed.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            _ = daemon.kill();
            _ = daemon.wait();
        }
    }
}

#[test]
#[ignore = "needs root, and the Debian packages slurm-wlm and munge"]
fn an_array_whose_tasks_are_killed_leaves_what_one_process_does() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    fs::write(folder.join("array.toml"), SWEEP).unwrap();
    let sweep = Sweep::load(&folder.join("array.toml"), &[])
        .unwrap()
        .unwrap();
    assert_eq!(sweep.points.len(), POINTS);
    let cluster = Cluster::new(folder);
    let klfit = |arguments: &[&str]| {
        let output = cluster.command("klfit").args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (code, said) = klfit(&["sweep", "array.toml", "--on", "slurm", "--submit"]);
    assert!(
        code == Some(0) && said.contains("Submitted batch job"),
        "{said}"
    );
    let number = |task: &String| -> usize {
        let (_, number) = task.rsplit_once('_').unwrap();
        number.parse().unwrap()
    };
    let (mut running, mut killed) = (Vec::new(), Vec::new());
    while killed.len() < KILLED {
        let open = cluster.tasks("PD,R,CG");
        assert!(
            !open.is_empty(),
            "all have ended, and {killed:?} were killed"
        );
        // Those that have run for a moment.
        for task in running.iter().filter(|task| open.contains(task)) {
            let mut requeue = cluster.command("scontrol");
            if requeue.args(["requeue", task]).status().unwrap().success() {
                killed.push(task.clone());
            }
        }
        running = cluster.tasks("R");
        running.retain(|task| number(task) > POINTS - KILLED && !killed.contains(task));
        sleep(Duration::from_millis(700));
    }
    // Slurm lets two minutes pass before it begins them again; here they need not.
    cluster.wait("the end of all tasks", |this| {
        for task in &killed {
            let now = [&format!("JobId={task}"), "StartTime=now"];
            this.command("scontrol")
                .arg("update")
                .args(now)
                .output()
                .unwrap();
        }
        sleep(Duration::from_millis(500));
        this.tasks("PD,R,CG").is_empty()
    });
    let (code, said) = klfit(&["sweep", "array.toml", "--gather", "--no-figures"]);
    assert_eq!(code, Some(0), "{said}");
    // They were killed at work.
    let was_cut_off = |task: &&String| {
        let log = folder.join(format!("array-{}.log", number(task)));
        let log = fs::read_to_string(log).unwrap();
        log.contains("interrupted; the same command goes on")
    };
    assert_eq!(
        killed.iter().filter(was_cut_off).count(),
        KILLED,
        "{killed:?}"
    );
    let whole = folder.join("whole");
    klfit::sweep(&sweep, &whole, Existing::Refuse, &()).unwrap();
    let (whole, found) = (results(&whole), results(&folder.join("outputs/array")));
    assert_eq!(whole.len(), found.len());
    for ((path, whole), (_, found)) in whole.iter().zip(&found) {
        assert!(whole == found, "{}", path.display());
    }
}
