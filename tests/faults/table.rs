//! One line a fault: the bar, what was measured, and whether it holds.

use std::{
    fmt::{Display, Write as _},
    path::PathBuf,
    time::Duration,
};

/// Names the folder that collects the lines; nothing is written without it.
const FOLDER: &str = "SEGMENT_FAULT_TABLE";
/// `full` for the long form.
const FORM: &str = "SEGMENT_FAULTS";

#[expect(clippy::disallowed_methods, reason = "tests have no Config")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first number in the quick form, the second in the full one.
pub(crate) fn quick_or_full<T>(quick: T, full: T) -> T {
    if variable(FORM).as_deref() == Some("full") { full } else { quick }
}

/// How many times the ideal makespan may be taken. The full form is run on a quiet machine. In the quick form others
/// may want the machine too, so it only sees what would be lost for good: a hand that sleeps while there is work.
pub(crate) fn makespan_max() -> f64 {
    quick_or_full(1.5, 1.1)
}

/// A measurement beside its bar.
pub(crate) struct Row {
    /// The number of the fault, or of what is proved beside the faults.
    pub(crate) number: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) bar: String,
    pub(crate) measured: String,
    /// `file::test` below tests/faults.
    pub(crate) test: &'static str,
}

impl Row {
    /// Writes the line and fails the test that does not hold.
    pub(crate) fn judge(&self, holds: bool) {
        let Self { number, fault, bar, measured, test } = self;
        if let Some(folder) = variable(FOLDER).map(PathBuf::from) {
            let mut line = String::new();
            let holds = if holds { "yes" } else { "**no**" };
            writeln!(line, "| {number} | {fault} | {bar} | {measured} | {holds} | `{test}` |").unwrap();
            std::fs::create_dir_all(&folder).unwrap();
            let place = number.parse().unwrap_or(u8::MAX);
            std::fs::write(folder.join(format!("{place:03}-{number}-{}.md", test.replace(':', "_"))), line).unwrap();
        }
        assert!(holds, "fault {number}, {fault}: measured {measured}, and the bar is {bar}");
    }
}

/// Seconds with two digits, as the table shows them.
pub(crate) fn seconds(time: Duration) -> impl Display {
    format!("{:.2} s", time.as_secs_f64())
}

/// The longest of some times.
pub(crate) fn longest(times: &[Duration]) -> Duration {
    times.iter().copied().max().unwrap_or_default()
}

/// Held by tests that load every core, or that measure what others would spoil.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}
