//! `PostgreSQL`'s own programs on this machine: where they are, which version, and who runs them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EmbeddedError;

/// One installed `PostgreSQL`: the folder of its programs and its major version.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
    pub(super) major: String,
}

impl Programs {
    /// The programs able to run a cluster of version `wanted`; for a new cluster (`None`), the first found.
    pub(super) fn find(wanted: Option<&str>) -> Result<Self, EmbeddedError> {
        let mut found = None;
        for folder in candidates() {
            let complete = ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
            let Some(major) = complete.then(|| major_version(&folder)).flatten() else {
                continue;
            };
            let suits = wanted.is_none_or(|wanted| wanted == major);
            let programs = Self { folder, major };
            if suits {
                return Ok(programs);
            }
            found.get_or_insert(programs);
        }
        match (found, wanted) {
            (Some(found), Some(wanted)) => {
                Err(EmbeddedError::Version { cluster: wanted.to_owned(), programs: found.major, remedy: install_line(Some(wanted)) })
            }
            _ => Err(EmbeddedError::Missing { remedy: install_line(None) }),
        }
    }

    /// A command for one of the programs, run as `account` from the folder `home`, which that account can enter.
    pub(super) fn command(&self, name: &str, account: Option<Account>, home: &Path) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command.current_dir(home).stdin(Stdio::null()).env("LC_ALL", "C");
        // PGPORT, PGDATA, PGOPTIONS… are meant for another server.
        for (key, _) in env::vars_os().filter(|(key, _)| key.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(key);
        }
        run_as(&mut command, account);
        command
    }
}

/// `$PG_BIN` alone when it is set: who names a folder doesn't want another.
fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os("PG_BIN").filter(|folder| !folder.is_empty()) {
        return vec![folder.into()];
    }
    let mut folders = Vec::new();
    folders.extend(output_of("pg_config", &["--bindir"]).map(PathBuf::from));
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
        ("/usr", "pgsql-"),
    ] {
        folders.extend(newest_first(Path::new(parent), prefix).into_iter().map(|folder| folder.join("bin")));
    }
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders
}

/// The folders of `parent` named `<prefix><version>`, by descending version.
fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path()))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// `15` from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and from `16beta1`.
fn major_version(folder: &Path) -> Option<String> {
    let said = output_of(folder.join("pg_ctl"), &["--version"])?;
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..digits).map(str::to_owned)
}

/// The one line that puts the programs on this machine.
fn install_line(major: Option<&str>) -> String {
    if cfg!(target_os = "macos") {
        format!("brew install postgresql@{}", major.unwrap_or("16"))
    } else if Path::new("/etc/debian_version").exists() {
        major.map_or_else(|| "sudo apt-get install postgresql".to_owned(), |m| format!("sudo apt-get install postgresql-{m}"))
    } else if Path::new("/etc/alpine-release").exists() {
        format!("sudo apk add postgresql{}", major.unwrap_or("16"))
    } else {
        "sudo dnf install postgresql-server".to_owned()
    }
}

/// A user of this machine, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// The user of this process.
    pub(super) fn current() -> Result<Self, EmbeddedError> {
        Self::ask(None).ok_or(EmbeddedError::NoAccount)
    }

    /// Whom root lets run the server, since `PostgreSQL` refuses root.
    pub(super) fn unprivileged() -> Result<Self, EmbeddedError> {
        Self::ask(Some("postgres")).or_else(|| Self::ask(Some("nobody"))).ok_or(EmbeddedError::NoAccount)
    }

    fn ask(name: Option<&str>) -> Option<Self> {
        let number = |flag| -> Option<u32> {
            let args: Vec<&str> = [flag].into_iter().chain(name).collect();
            output_of("id", &args)?.parse().ok()
        };
        Some(Self { uid: number("-u")?, gid: number("-g")? })
    }
}

/// Whether `account` can enter `folder`: every folder above must let it pass too.
pub(super) fn can_enter(account: Account, folder: &Path) -> bool {
    let mut command = Command::new("true");
    run_as(command.current_dir(folder), Some(account));
    command.status().is_ok_and(|status| status.success())
}

/// Runs a command that leaves no process behind, to its end.
pub(super) fn finish(program: &'static str, command: &mut Command) -> Result<(), EmbeddedError> {
    let output = command.output().map_err(|source| EmbeddedError::Run { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Failed { program, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

fn run_as(command: &mut Command, account: Option<Account>) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
}

fn output_of(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
