//! Whom the server runs as: initdb and postgres refuse root.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use nix::unistd::{Gid, Uid, User};

use super::PostgresError;

/// A user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    /// Whether it is another user than ours, which only root can run programs as.
    other: bool,
}

impl Account {
    /// Ourselves, or for root `postgres` or else `nobody`.
    pub(super) fn choose() -> Result<Self, PostgresError> {
        if !Uid::effective().is_root() {
            return Ok(Self { uid: Uid::effective().as_raw(), gid: Gid::effective().as_raw(), other: false });
        }
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(PostgresError::NoAccount)?;
        Ok(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), other: true })
    }

    /// Makes `command` run as this user.
    pub(super) fn runs(self, command: &mut Command) {
        if self.other {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives `dir` to this user.
    pub(super) fn own(self, dir: &Path) -> io::Result<()> {
        if self.other { chown(dir, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// Whether `dir` is this user's alone to write.
    pub(super) fn owns(self, dir: &Metadata) -> bool {
        dir.is_dir() && dir.uid() == self.uid && dir.mode() & 0o022 == 0
    }

    /// Whether this user may pass every folder above `path`, which is absolute.
    pub(super) fn reaches(self, path: &Path) -> bool {
        path.ancestors().skip(1).all(|above| fs::metadata(above).is_ok_and(|above| self.passes(&above)))
    }

    fn passes(self, dir: &Metadata) -> bool {
        let bit = match (dir.uid() == self.uid, dir.gid() == self.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        dir.mode() & bit != 0
    }
}
