//! Checksums in headers of their own, which newer clients send and some servers refuse: sent until a server turns out not to know them.
//!
//! Nothing is lost without them, because the SHA-256 of every body is signed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use aws_sdk_s3::{
    config::{Builder, RequestChecksumCalculation},
    error::{ProvideErrorMetadata, SdkError},
};

/// What is known of the server.
#[derive(Debug, Default)]
pub(super) struct Checksums {
    refused: AtomicBool,
}

/// Settings of one call that sends none.
pub(super) fn none() -> Builder {
    Builder::new().request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
}

impl Checksums {
    pub(super) fn are_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// Sends with checksums; where that is refused as a server does that does not know them, without. `send` hears whether to leave
    /// them out.
    pub(super) async fn with_or_without<T, E: ProvideErrorMetadata>(
        &self,
        send: impl AsyncFn(bool) -> Result<T, SdkError<E>>,
    ) -> Result<T, SdkError<E>> {
        let without = self.are_refused();
        let first = send(without).await;
        match first {
            Err(error) if !without && may_be_unknown(&error) => {
                let second = send(true).await;
                if second.is_ok() {
                    self.note();
                }
                second
            }
            first => first,
        }
    }

    /// Takes note of a refusal where the call cannot be repeated alone.
    pub(super) fn heard<E: ProvideErrorMetadata>(&self, error: &SdkError<E>, without: bool) {
        if !without && may_be_unknown(error) {
            self.note();
        }
    }

    fn note(&self) {
        if !self.refused.swap(true, Relaxed) {
            tracing::debug!("this S3 server does not take checksums in headers; they are left out");
        }
    }
}

/// Servers say it in many ways; those of other causes are known.
fn may_be_unknown<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    let code = error.code().unwrap_or_default();
    let other = ["AuthorizationHeaderMalformed", "ExpiredToken", "InvalidToken", "InvalidBucketName", "NoSuchUpload"];
    matches!(status, 400 | 411 | 501)
        && !other.contains(&code)
        && !code.starts_with("EntityToo")
        && !code.starts_with("KMS")
}
