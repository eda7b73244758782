//! Who on this machine may read what a folder store holds.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use super::LakeError;

/// Everything but the owner's own rights.
const OTHERS: u32 = 0o077;

/// What others than its owner may read, change or list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposed {
    pub files: u64,
    pub folders: u64,
}

impl Exposed {
    /// Whether there is nothing of the kind.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Counts what is open to others below `folders` of `root`, and closes it if `mend`.
pub(super) fn look(root: &Path, folders: &[&str], mend: bool) -> Result<Exposed, LakeError> {
    let mut exposed = Exposed::default();
    for folder in folders {
        one(&root.join(folder), mend, &mut exposed)?;
    }
    Ok(exposed)
}

fn one(path: &Path, mend: bool, exposed: &mut Exposed) -> Result<(), LakeError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // Removed meanwhile, or never there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LakeError::io(path)(error)),
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        let count = if metadata.is_dir() { &mut exposed.folders } else { &mut exposed.files };
        *count += 1;
        if mend {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map_err(LakeError::io(path))?;
        }
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).map_err(LakeError::io(path))? {
            one(&entry.map_err(LakeError::io(path))?.path(), mend, exposed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, path::PathBuf};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn put(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn what_is_ours_is_counted_and_closed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (wide, narrow) = (put(root, "segments/1/segment.csv", 0o644), put(root, "segments/1/manifest.json", 0o600));
        let input = put(root, "users/part.parquet", 0o644);
        fs::set_permissions(root.join("segments"), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(root.join("segments/1"), Permissions::from_mode(0o700)).unwrap();
        symlink(&input, root.join("segments/1/link")).unwrap();
        let ours = &["models", "segments"];
        let found = Exposed { files: 1, folders: 1 };
        assert_eq!(look(root, ours, false).unwrap(), found);
        assert_eq!(mode(&wide), 0o644, "looking changes nothing");
        assert_eq!(look(root, ours, true).unwrap(), found);
        assert!(look(root, ours, false).unwrap().is_nothing());
        assert_eq!((mode(&wide), mode(&narrow), mode(&root.join("segments"))), (0o600, 0o600, 0o700));
        assert_eq!(mode(&input), 0o644, "an input table is not ours, and no link leads there");
    }
}
