//! The folder of a private cluster: `data`, the socket, `lock` and `log`, all of one user.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Account, PostgresError};
use crate::digest::sha256_hex;

/// A socket's path has at most 107 bytes on Linux and 103 elsewhere; `/.s.PGSQL.5432` takes 14 and a lock's `.lock` 5.
const PATH_BYTES_MAX: usize = 80;

/// A folder that the server's user owns and reaches.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    account: Account,
    temporary: bool,
}

impl Home {
    /// `dir` itself, or its stand-in below `/var/tmp` where the server could not live in it.
    pub(super) fn prepare(dir: &Path, account: Account) -> Result<Self, PostgresError> {
        let dir = std::path::absolute(dir).map_err(PostgresError::io("cannot resolve", dir))?;
        let dir = match (dir.parent(), dir.file_name()) {
            (Some(above), Some(name)) => {
                fs::create_dir_all(above).map_err(PostgresError::io("cannot create", above))?;
                above.canonicalize().map_err(PostgresError::io("cannot resolve", above))?.join(name)
            }
            _ => dir,
        };
        let fits = dir.as_os_str().len() <= PATH_BYTES_MAX && account.reaches(&dir);
        let path = if fits { dir } else { stand_in(&dir) };
        Self::make(path, account, false)
    }

    /// A new folder that goes away with its server.
    pub(super) fn temporary(account: Account) -> Result<Self, PostgresError> {
        let name = format!("segment-bot-{}", uuid::Uuid::new_v4().simple());
        let usual = std::env::temp_dir().join(&name);
        let fits = usual.as_os_str().len() <= PATH_BYTES_MAX && account.reaches(&usual);
        let path = if fits { usual } else { Path::new("/var/tmp").join(name) };
        Self::make(path, account, true)
    }

    /// Never follows or takes over what somebody else put there: the stand-in's name can be guessed.
    fn make(path: PathBuf, account: Account, temporary: bool) -> Result<Self, PostgresError> {
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => account.own(&path).map_err(PostgresError::io("cannot hand over", &path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(&path).map_err(PostgresError::io("cannot read", &path))?;
                let empty = fs::read_dir(&path).is_ok_and(|mut inside| inside.next().is_none());
                if empty && found.is_dir() && !account.owns(&found) {
                    account.own(&path).map_err(PostgresError::io("cannot hand over", &path))?;
                } else if !account.owns(&found) {
                    return Err(PostgresError::NotOurs { dir: path });
                }
            }
            Err(source) => return Err(PostgresError::io("cannot create", &path)(source)),
        }
        Ok(Self { path, account, temporary })
    }

    /// The folder, which is also the socket's.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The cluster's files.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// What the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The folder when it is to be removed at the end.
    pub(super) fn to_remove(&self) -> Option<&Path> {
        self.temporary.then_some(self.path.as_path())
    }

    /// The major version that made the files, or `None` when there are none yet.
    pub(super) fn version(&self) -> Result<Option<String>, PostgresError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PostgresError::io("cannot read", &path)(source)),
        }
    }

    /// A command that runs as the server's user, here, with nothing of our environment and deaf to our terminal's Ctrl-C.
    pub(super) fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        self.account.runs(&mut command);
        command.current_dir(&self.path).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).process_group(0);
        command
    }

    /// Removes what [`Home::temporary`] made; what cannot be removed is left for the system's cleaning.
    pub(super) fn remove_if_temporary(&self) {
        if let Some(path) = self.to_remove() {
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn stand_in(dir: &Path) -> PathBuf {
    let digest = sha256_hex(dir.as_os_str().as_encoded_bytes());
    Path::new("/var/tmp").join(format!("segment-bot-{}", &digest[..16]))
}
