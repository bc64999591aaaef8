//! On real clusters: they hold as root as well as an ordinary user.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::{Cluster, EmbeddedError, Settings};

/// A data directory for one test; whatever still runs in it is stopped at the end.
struct Scratch(Settings);

impl Scratch {
    fn new(name: &str) -> Self {
        let data_dir = std::env::temp_dir().join(format!("aiguilleur-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data_dir);
        Self(Settings { data_dir, durable: false })
    }

    fn open(&self) -> Cluster {
        Cluster::open(&self.0).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.data_dir.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.path("postgres").exists() {
            drop(Cluster::open(&self.0));
        }
        let _ = fs::remove_dir_all(&self.0.data_dir);
    }
}

fn postmaster(cluster: &Cluster) -> u32 {
    fs::read_to_string(cluster.location().join("postmaster.pid")).unwrap().lines().next().unwrap().parse().unwrap()
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

#[test]
fn the_last_to_leave_stops_it_and_the_next_start_is_quick() {
    let scratch = Scratch::new("life");
    let began = Instant::now();
    let first = scratch.open();
    println!("first start {:?}", began.elapsed());
    let pid = postmaster(&first);
    let began = Instant::now();
    let second = scratch.open();
    println!("joined in {:?}", began.elapsed());
    assert_eq!((pid, first.conninfo("postgres", "postgres")), (postmaster(&second), second.conninfo("postgres", "postgres")));

    first.close().unwrap();
    assert!(second.is_alive(), "still used");
    let location = second.location().to_owned();
    let began = Instant::now();
    drop(second);
    println!("stopped in {:?}", began.elapsed());
    assert!(!location.join("postmaster.pid").exists());

    let began = Instant::now();
    let again = scratch.open();
    println!("second start {:?}", began.elapsed());
    assert!(again.is_alive());
    again.discard().unwrap();
    assert!(!location.exists());
}

#[test]
fn a_killed_server_is_revived() {
    let scratch = Scratch::new("revive");
    let (cluster, other) = (scratch.open(), scratch.open());
    let pid = postmaster(&cluster);
    kill(pid);
    while cluster.is_alive() {
        thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    cluster.revive().unwrap();
    println!("revived in {:?}", began.elapsed());
    assert!(cluster.is_alive() && other.is_alive());
    assert_ne!(pid, postmaster(&cluster));
    cluster.revive().unwrap();
    drop(cluster);
    assert!(other.is_alive());
}

#[test]
fn an_emptied_temporary_folder_is_got_over() {
    let scratch = Scratch::new("socket");
    let cluster = scratch.open();
    fs::remove_dir_all(cluster.server.socket_dir()).unwrap();
    assert!(!cluster.is_alive());
    cluster.revive().unwrap();
    assert!(cluster.is_alive());
}

#[test]
fn a_stale_record_of_a_reused_process_number_is_got_over() {
    let scratch = Scratch::new("stale");
    let cluster = scratch.open();
    let record = cluster.location().join("postmaster.pid");
    let text = fs::read_to_string(&record).unwrap();
    cluster.close().unwrap();
    fs::write(&record, text.replacen(text.lines().next().unwrap(), "1", 1)).unwrap();
    assert!(scratch.open().is_alive());
}

#[test]
fn an_interrupted_init_is_begun_again() {
    let scratch = Scratch::new("interrupted");
    fs::create_dir_all(scratch.path("postgres.unfinished-1/base")).unwrap();
    fs::write(scratch.path("postgres.unfinished-1/PG_VERSION"), "15\n").unwrap();
    let cluster = scratch.open();
    assert!(cluster.is_alive());
    assert!(!scratch.path("postgres.unfinished-1").exists());
}

#[test]
fn deleted_files_whose_server_still_runs_are_replaced() {
    let scratch = Scratch::new("deleted");
    let ghost = scratch.open();
    let ghost_pid = postmaster(&ghost);
    fs::remove_dir_all(&scratch.0.data_dir).unwrap();
    let cluster = scratch.open();
    assert_ne!(ghost.conninfo("a", "b"), cluster.conninfo("a", "b"));
    assert!(cluster.is_alive());
    cluster.close().unwrap();
    // It would notice by itself within a minute; until then its exit could only be told from a stop of the new one.
    kill(ghost_pid);
    let _ = fs::remove_dir_all(ghost.server.socket_dir());
}

#[test]
fn another_major_version_is_refused() {
    let scratch = Scratch::new("version");
    fs::create_dir_all(scratch.path("postgres")).unwrap();
    fs::write(scratch.path("postgres/PG_VERSION"), "7\n").unwrap();
    let error = Cluster::open(&scratch.0).unwrap_err();
    assert!(matches!(error, EmbeddedError::Version { .. }), "{error}");
    fs::remove_dir_all(scratch.path("postgres")).unwrap();
}

/// Not a test of its own: what the processes of the next tests run.
#[test]
#[ignore = "run by the tests below, in processes of their own"]
fn child() {
    let data_dir = std::env::var_os("EMBEDDED_TEST_DIR").unwrap().into();
    let cluster = Cluster::open(&Settings { data_dir, durable: false }).unwrap();
    println!("\nopen {}", postmaster(&cluster));
    std::io::stdin().read_line(&mut String::new()).unwrap();
    assert!(cluster.is_alive());
    cluster.close().unwrap();
}

fn start_child(data_dir: &Path) -> Child {
    let arguments = ["--ignored", "--exact", "--nocapture", "embedded::tests::child"];
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).env("EMBEDDED_TEST_DIR", data_dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn wait_until_open(child: &mut Child) -> u32 {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
    lines.find_map(|line| line.strip_prefix("open ").map(str::to_owned)).unwrap().parse().unwrap()
}

#[test]
fn processes_that_open_together_share_one_server() {
    let scratch = Scratch::new("together");
    let mut children: Vec<Child> = (0..4).map(|_| start_child(&scratch.0.data_dir)).collect();
    let cluster = scratch.open();
    let pid = postmaster(&cluster);
    for child in &mut children {
        assert_eq!(wait_until_open(child), pid);
    }
    cluster.close().unwrap();
    for mut child in children {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    assert!(!scratch.path("postgres/postmaster.pid").exists());
}

#[test]
fn a_killed_process_leaves_the_server_to_the_next() {
    let scratch = Scratch::new("orphan");
    let mut child = start_child(&scratch.0.data_dir);
    let pid = wait_until_open(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let cluster = scratch.open();
    assert_eq!(postmaster(&cluster), pid, "joined");
    cluster.close().unwrap();
    assert!(!scratch.path("postgres/postmaster.pid").exists());
}

#[test]
fn threads_that_open_together_share_one_server() {
    let scratch = Scratch::new("threads");
    let all_in = Barrier::new(6);
    let pids: Vec<u32> = thread::scope(|scope| {
        let open = || {
            let cluster = scratch.open();
            let pid = postmaster(&cluster);
            all_in.wait();
            pid
        };
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]));
}
