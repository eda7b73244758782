//! This machine: room on its disks, and memory.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;

use super::Finding;
use crate::config::Config;

/// With less than this, a build or a delivery soon fails.
const ROOM_BYTES: u64 = 1 << 30;
const GIB: f64 = 1_073_741_824.0;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    [disk(config), memory(config.memory_bytes)].into_iter().flatten().collect()
}

/// The folders that grow, each disk once.
fn disk(config: &Config) -> Vec<Finding> {
    let mut places = vec![("SEGMENT_CACHE_DIR", config.cache_dir.clone()), ("TMPDIR", std::env::temp_dir())];
    if let Some(folder) = config.store.strip_prefix("file://") {
        places.push(("SEGMENT_STORE", PathBuf::from(folder)));
    }
    let mut findings = Vec::new();
    let mut free: BTreeMap<u64, (u64, Vec<String>)> = BTreeMap::new();
    for (variable, folder) in places {
        let existing = existing(&folder);
        let asked = statvfs(existing).ok().zip(fs::metadata(existing).ok());
        let Some((disk, metadata)) = asked else {
            let what = format!("{} cannot be looked at", folder.display());
            findings.push(Finding::wrong(
                "disk",
                what,
                format!("{variable} must name a folder that this user may use"),
            ));
            continue;
        };
        if disk.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY) {
            let what = format!("{} is on a disk that cannot be written to", folder.display());
            findings.push(Finding::wrong("disk", what, format!("let {variable} name another folder")));
        }
        let bytes = disk.blocks_available().saturating_mul(disk.fragment_size());
        let on_it = free.entry(metadata.dev()).or_insert((bytes, Vec::new()));
        on_it.1.push(format!("{} ({variable})", folder.display()));
    }
    for (bytes, folders) in free.into_values() {
        let words = format!("{} free for {}", gib(bytes), folders.join(" and "));
        findings.push(if bytes < ROOM_BYTES {
            Finding::wrong("disk", words, "make room, or let these variables name folders on another disk")
        } else {
            Finding::well("disk", words)
        });
    }
    findings
}

/// The folder, or the nearest above it that is there.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."))
}

/// Nothing where the system does not say how much there is.
fn memory(wanted: u64) -> Vec<Finding> {
    let Some(total) = total_memory() else { return Vec::new() };
    vec![if wanted > total {
        Finding::wrong(
            "memory",
            format!("SEGMENT_MEMORY_BYTES allows {}, and there are {} here", gib(wanted), gib(total)),
            "lower it to three quarters of what there is",
        )
    } else {
        Finding::well("memory", format!("{} of {} for a build", gib(wanted), gib(total)))
    }]
}

/// Of the machine, or of the container that this runs in.
fn total_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let machine = line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.saturating_mul(1024);
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(container.map_or(machine, |bytes: u64| bytes.min(machine)))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB)
}
