//! A file that is there whole or not at all: written under another name beside its place, then renamed.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use tempfile::NamedTempFile;

/// A file on its way. Dropped before [`OutFile::keep`], it leaves no trace.
pub(super) struct OutFile {
    path: PathBuf,
    unfinished: NamedTempFile,
}

impl OutFile {
    /// Begins a file at `path`, so that a place that cannot be written is known before the work. What was at `path`
    /// stays until the new file is whole; one of the `inputs` is never replaced.
    pub(super) fn begin(path: &Path, inputs: &[&Path]) -> anyhow::Result<Self> {
        // As for any new file; the process's mask takes away what it must.
        Self::begin_as(path, inputs, 0o666)
    }

    /// As [`OutFile::begin`], for what holds people's ids: for its owner alone, whatever the mask.
    pub(super) fn begin_private(path: &Path, inputs: &[&Path]) -> anyhow::Result<Self> {
        Self::begin_as(path, inputs, 0o600)
    }

    fn begin_as(path: &Path, inputs: &[&Path], mode: u32) -> anyhow::Result<Self> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        ensure!(!real.exists() || real.is_file(), "cannot write {}: it is there and not a file", path.display());
        for input in inputs {
            let same = fs::canonicalize(input).is_ok_and(|input| input == real);
            ensure!(!same, "{} is read by this very command; write to another file", path.display());
        }
        let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
        let unfinished = tempfile::Builder::new()
            .prefix(".segment-bot-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path: real, unfinished })
    }

    /// The whole content at once, and the file in its place.
    pub(super) fn fill(mut self, content: &[u8]) -> anyhow::Result<()> {
        let written = self.unfinished.write_all(content);
        written.with_context(|| format!("cannot write {}", self.path.display()))?;
        self.keep()
    }

    /// A handle to write through.
    pub(super) fn handle(&self) -> anyhow::Result<File> {
        self.unfinished.as_file().try_clone().with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Puts the file in its place.
    pub(super) fn keep(self) -> anyhow::Result<()> {
        let Self { path, unfinished } = self;
        let kept = unfinished.as_file().sync_all().and_then(|()| unfinished.persist(&path).map_err(Into::into));
        kept.map(|_| ()).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        fs::write(&path, "old").unwrap();
        drop(OutFile::begin(&path, &[]).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        OutFile::begin(&path, &[]).unwrap().fill(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(OutFile::begin(&path, &[&path]).is_err());
        assert!(OutFile::begin(folder.path(), &[]).is_err());
        assert!(OutFile::begin(&folder.path().join("nowhere").join("model.json"), &[]).is_err());
    }
}
