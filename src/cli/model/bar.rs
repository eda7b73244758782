//! One progress bar on stderr, gone when its work is done; on a pipe nothing is drawn.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(message: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(message);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(super) fn say(&self, message: &'static str) {
        self.0.set_message(message);
    }

    pub(super) fn advance(&self, done: usize, of: usize) {
        if self.0.length() != Some(of as u64) {
            self.0.set_length(of as u64);
            self.0.set_style(measured());
        }
        self.0.set_position(done as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn measured() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {msg:<28} {bar:30} {human_pos} of {human_len} {elapsed}")
        .expect("the template is constant")
}
