//! Where a cluster's files lie, whose they are, and how they are first made.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process;

use super::programs::{self, Account, Programs};
use super::{EmbeddedError, at};

/// Where root keeps a cluster when the user that runs it can't enter the data directory.
const ROOT_FALLBACK: &str = "/var/lib/aiguilleur";

#[derive(Debug)]
pub(super) struct Place {
    /// What the settings name, made canonical: the lock files are here.
    pub(super) data_dir: PathBuf,
    /// The folder around the cluster: the data directory, or one in root's fallback.
    pub(super) home: PathBuf,
    /// The folder `PostgreSQL` calls its data directory.
    pub(super) cluster: PathBuf,
    pub(super) owner: Account,
    /// Whether this process is root, and so runs the programs as `owner`.
    drops_to_owner: bool,
}

impl Place {
    pub(super) fn choose(data_dir: PathBuf) -> Result<Self, EmbeddedError> {
        let me = Account::current()?;
        let pointer = data_dir.join("postgres.location");
        let home = match fs::read_to_string(&pointer) {
            Ok(path) => PathBuf::from(path.trim_end()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => data_dir.clone(),
            Err(error) => return Err(at(&pointer)(error)),
        };
        let made_by = fs::metadata(home.join("postgres")).ok().map(|it| Account { uid: it.uid(), gid: it.gid() });
        let drops_to_owner = me.uid == 0;
        let owner = match made_by {
            Some(owner) if !drops_to_owner && owner.uid != me.uid => {
                return Err(EmbeddedError::NotOurs { path: home.join("postgres"), owner: owner.uid });
            }
            // An ordinary user's cluster goes on belonging to that user when root opens it.
            Some(owner) if drops_to_owner && owner.uid != 0 => owner,
            _ if drops_to_owner => Account::unprivileged()?,
            _ => me,
        };
        let is_new = made_by.is_none() && home == data_dir;
        if drops_to_owner && is_new && !programs::can_enter(owner, &home) {
            let name = format!("{:016x}", fnv1a([data_dir.as_os_str().as_encoded_bytes()]));
            let elsewhere = Path::new(ROOT_FALLBACK).join(name);
            tracing::warn!(
                data_dir = %data_dir.display(), chosen = %elsewhere.display(),
                "the user that runs PostgreSQL can't enter the data directory: the database is kept elsewhere"
            );
            fs::create_dir_all(&elsewhere).map_err(at(&elsewhere))?;
            write_whole(&pointer, &format!("{}\n", elsewhere.display()))?;
            // Again, since a data directory deleted and made anew finds its database there.
            return Self::choose(data_dir);
        }
        let cluster = home.join("postgres");
        Ok(Self { data_dir, home, cluster, owner, drops_to_owner })
    }

    /// The user the programs must be run as; `None` when it is the one of this process.
    pub(super) fn run_as(&self) -> Option<Account> {
        self.drops_to_owner.then_some(self.owner)
    }

    /// The major version that initialised the cluster; `None` when there is no cluster yet.
    pub(super) fn version(&self) -> Result<Option<String>, EmbeddedError> {
        let path = self.cluster.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Builds the cluster beside its final folder: what was interrupted never bears the final name.
    pub(super) fn initialise(&self, programs: &Programs, durable: bool) -> Result<(), EmbeddedError> {
        const UNFINISHED: &str = "postgres.unfinished-";
        fs::create_dir_all(&self.home).map_err(at(&self.home))?;
        for entry in fs::read_dir(&self.home).map_err(at(&self.home))?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                // May fail under an orphaned initdb that still writes there; the new folder has another name.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        tracing::info!(folder = %self.cluster.display(), "creating the database");
        let unfinished = self.home.join(format!("{UNFINISHED}{}", process::id()));
        self.initdb(programs, &unfinished, "C.UTF-8", durable).or_else(|_| self.initdb(programs, &unfinished, "C", durable))?;
        fs::rename(&unfinished, &self.cluster).map_err(at(&self.cluster))?;
        File::open(&self.home).and_then(|home| home.sync_all()).map_err(at(&self.home))
    }

    fn initdb(&self, programs: &Programs, folder: &Path, locale: &str, durable: bool) -> Result<(), EmbeddedError> {
        self.make_private_dir(folder)?;
        let mut command = programs.command("initdb", self.run_as(), &self.home);
        command.arg("--pgdata").arg(folder).arg(format!("--locale={locale}"));
        command.args(["--username=postgres", "--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"]);
        if !durable {
            command.arg("--no-sync");
        }
        let outcome = programs::finish("initdb", &mut command);
        if outcome.is_err() {
            fs::remove_dir_all(folder).map_err(at(folder))?;
        }
        outcome
    }

    /// Makes a folder that only the owner may enter, or checks that the one already there is such a folder.
    pub(super) fn make_private_dir(&self, folder: &Path) -> Result<(), EmbeddedError> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(at(folder)(error));
            }
            _ => {}
        }
        // Not followed when it is a link: the temporary folder is everybody's.
        let found = fs::symlink_metadata(folder).map_err(at(folder))?;
        // Root's own: made by this function, which may have been interrupted before the next line.
        if self.drops_to_owner && found.is_dir() && found.uid() == 0 {
            return chown(folder, Some(self.owner.uid), Some(self.owner.gid)).map_err(at(folder));
        }
        if !found.is_dir() || found.uid() != self.owner.uid || found.mode() & 0o077 != 0 {
            return Err(EmbeddedError::NotOurs { path: folder.to_owned(), owner: found.uid() });
        }
        Ok(())
    }
}

/// Replaces a file whole, without following a link that stands in its place.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    let unfinished = path.with_extension("unfinished");
    let write = || -> io::Result<()> {
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    write().map_err(at(path))
}

/// FNV-1a, 64 bits: the standard library's own hash may change with its version, and these names must last.
pub(super) fn fnv1a<const N: usize>(parts: [&[u8]; N]) -> u64 {
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
