//! What a piece of work takes: time, the processor's time, memory.

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike as _},
};

/// Runs while something is measured.
pub(super) struct Meter {
    started: Instant,
    processor: Duration,
}

/// What was measured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) wall_seconds: f64,
    /// Of all threads of the process.
    pub(super) cpu_seconds: f64,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { processor: processor(), started: Instant::now() }
    }

    pub(super) fn stop(&self) -> Usage {
        let wall_seconds = self.started.elapsed().as_secs_f64();
        Usage { wall_seconds, cpu_seconds: processor().saturating_sub(self.processor).as_secs_f64() }
    }
}

impl Usage {
    /// Adds what another piece of the same work took.
    pub(super) fn add(&mut self, other: Self) {
        self.wall_seconds += other.wall_seconds;
        self.cpu_seconds += other.cpu_seconds;
    }
}

/// Time that the process's threads have spent on processors.
fn processor() -> Duration {
    let of = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    getrusage(UsageWho::RUSAGE_SELF).map(|usage| of(usage.user_time()) + of(usage.system_time())).unwrap_or_default()
}

/// Runs while the growth of the process's memory is watched.
pub(super) struct MemoryMeter {
    /// Bytes in memory at the start; `None` where the system cannot tell.
    before: Option<u64>,
}

impl MemoryMeter {
    /// Makes the system forget the process's peak so far.
    pub(super) fn start() -> Self {
        let forgotten = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: forgotten.then(|| status_bytes("VmRSS:")).flatten() }
    }

    /// Bytes between the start and the peak since.
    pub(super) fn peak_growth_bytes(&self) -> Option<u64> {
        Some(status_bytes("VmHWM:")?.saturating_sub(self.before?))
    }
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
