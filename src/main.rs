//! The command line; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The AWS client and Slack's bring TLS; one provider for both, before either starts. Only a second call could fail.
    drop(rustls::crypto::ring::default_provider().install_default());
    segment_bot::cli::run()
}
