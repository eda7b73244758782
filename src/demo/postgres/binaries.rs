//! Where the server's programs are: Debian keeps them outside `PATH`, one folder a major version.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::PostgresError;

/// Debian's folder of versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with `initdb` and `postgres` of one version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// Such as `15`.
    major: String,
}

impl Binaries {
    /// The version that made the files in `data` when `made_by` names one, else the newest.
    pub(super) fn find(made_by: Option<&str>, data: &Path) -> Result<Self, PostgresError> {
        let mut found = installed();
        let Some(made_by) = made_by else {
            return found.into_iter().next().ok_or(PostgresError::NotInstalled { missing: "initdb" });
        };
        match found.iter().position(|binaries| binaries.major == made_by) {
            Some(same) => Ok(found.swap_remove(same)),
            None if found.is_empty() => Err(PostgresError::NotInstalled { missing: "postgres" }),
            None => Err(PostgresError::OtherVersion {
                dir: data.to_owned(),
                made_by: made_by.to_owned(),
                found: found.into_iter().map(|binaries| binaries.major).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// Debian's versions, the newest first, then those on `PATH`.
fn installed() -> Vec<Binaries> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut debian: Vec<Binaries> = versions.filter_map(|folder| binaries_in(&folder)).collect();
    debian.sort_by_key(|binaries| std::cmp::Reverse(binaries.major.parse::<u32>().unwrap_or(0)));
    let path = env::var_os("PATH").unwrap_or_default();
    debian.extend(env::split_paths(&path).filter_map(|folder| binaries_in(&folder)));
    debian
}

fn binaries_in(folder: &Path) -> Option<Binaries> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { folder: folder.to_owned(), major })
}

/// From `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major_version(text: &str) -> Option<String> {
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let major = version.split(['.', 'b', 'r', 'd']).next()?;
    Some(major.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_server_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)").as_deref(), Some("15"));
        assert_eq!(major_version("postgres (PostgreSQL) 19beta1").as_deref(), Some("19"));
        assert_eq!(major_version("command not found"), None);
    }
}
