//! Progress bars for long commands; on a pipe nothing is drawn.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::Report;

/// One bar for the stage that runs; finished stages stay as a line with their time.
#[derive(Default)]
pub(super) struct Bars {
    bar: Mutex<Option<(&'static str, ProgressBar)>>,
}

impl Bars {
    /// Ends the last stage's bar.
    pub(super) fn finish(&self) {
        if let Some((name, bar)) = self.lock().take() {
            close(name, &bar);
        }
    }

    /// One line above the bar.
    pub(super) fn say(&self, text: &str) {
        match &*self.lock() {
            Some((_, bar)) => bar.suspend(|| super::output::line(text)),
            None => super::output::line(text),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(&'static str, ProgressBar)>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report for Bars {
    fn stage(&self, stage: &'static str) {
        let mut current = self.lock();
        if let Some((name, bar)) = current.take() {
            if name == stage {
                *current = Some((name, bar));
                return;
            }
            close(name, &bar);
        }
        let bar = ProgressBar::new_spinner().with_style(spinner()).with_message(words(stage));
        bar.enable_steady_tick(Duration::from_millis(100));
        *current = Some((stage, bar));
    }

    fn advance(&self, done: u64, of: u64) {
        let current = self.lock();
        let Some((_, bar)) = &*current else { return };
        if of > 0 && bar.length() != Some(of) {
            bar.set_length(of);
            bar.set_style(measured());
        }
        bar.set_position(done);
    }
}

fn close(stage: &'static str, bar: &ProgressBar) {
    bar.finish_and_clear();
    if bar.elapsed() >= Duration::from_millis(500) && !bar.is_hidden() {
        super::output::line(format!("  {} ({:.1} s)", words(stage), bar.elapsed().as_secs_f64()));
    }
}

fn words(stage: &'static str) -> String {
    stage.replace('_', " ")
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {msg} {elapsed}").expect("the template is constant")
}

fn measured() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {msg:<28} {bar:30} {percent:>3}% {elapsed}")
        .expect("the template is constant")
}
