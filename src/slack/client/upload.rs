//! The bytes of a file, streamed to the address that Slack handed out. The address is a secret: it is never printed.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{Request, StatusCode, body::Frame, header};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio_util::io::ReaderStream;

use crate::slack::client::{CallPriority, Method, SlackCallError, SlackClient};

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Bytes a second below which an upload counts as stuck.
const SLOWEST_BYTES_PER_SECOND: u64 = 200_000;
const SHORTEST_LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Uploads {
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

impl Uploads {
    pub(super) fn new(connector: HttpsConnector<HttpConnector>) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

/// A file id and the address that takes its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    pub file_id: String,
    pub url: String,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("file_id", &self.file_id).finish_non_exhaustive()
    }
}

impl SlackClient {
    /// Asks for a file id; nothing is visible yet. `bytes` must be exact and above 0.
    pub async fn reserve_upload(&self, filename: &str, bytes: u64) -> Result<Upload, SlackCallError> {
        let body = json!({ "filename": filename, "length": bytes.to_string() });
        let answer = self.call(Method::FilesGetUploadUrlExternal, &body, CallPriority::Unhurried).await?;
        let field = |name: &str| answer[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match (field("file_id"), field("upload_url")) {
            (Some(file_id), Some(url)) => Ok(Upload { file_id, url }),
            _ => Err(SlackCallError::Unreachable),
        }
    }

    /// Sends the bytes of `path`. Invisible, so it may be repeated.
    pub async fn upload(&self, upload: &Upload, path: &Path, bytes: u64) -> Result<(), SlackCallError> {
        let limit = SHORTEST_LIMIT + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
        let request = request(upload, path, bytes).await?;
        let sent = tokio::time::timeout(limit, self.inner.uploads.client.request(request)).await;
        let status = match sent {
            Ok(Ok(response)) => response.status(),
            Ok(Err(_)) | Err(_) => return Err(SlackCallError::Unreachable),
        };
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(SlackCallError::RateLimited { retry_after: super::error::DEFAULT_RETRY_AFTER })
            }
            status if status.is_client_error() => {
                Err(SlackCallError::Refused { code: format!("upload_http_{}", status.as_u16()) })
            }
            _ => Err(SlackCallError::Unreachable),
        }
    }
}

async fn request(upload: &Upload, path: &Path, bytes: u64) -> Result<Request<Body>, SlackCallError> {
    let unreadable = |error: std::io::Error| SlackCallError::LocalFile(error.kind());
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    if file.metadata().await.map_err(unreadable)?.len() != bytes {
        return Err(SlackCallError::LocalFile(std::io::ErrorKind::InvalidData));
    }
    let stream = ReaderStream::with_capacity(file, 1 << 16).map(|chunk| chunk.map(Frame::data));
    Request::post(&upload.url)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, bytes)
        .body(StreamBody::new(stream).boxed_unsync())
        .map_err(|_| SlackCallError::Refused { code: "upload_url_unusable".to_owned() })
}
