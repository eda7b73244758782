//! The few plain HTTP requests that the demo sends to its own machine.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

/// Why a request to this machine came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{url} cannot be asked: {source}")]
    Request { url: String, source: hyper::http::Error },
    #[error("{url} does not answer: {source}")]
    Connect { url: String, source: hyper_util::client::legacy::Error },
    #[error("{url} broke off: {source}")]
    Body { url: String, source: hyper::Error },
    #[error("{url} answered {status}")]
    Status { url: String, status: u16 },
    #[error("{url} answered something that is not JSON: {source}")]
    Json { url: String, source: serde_json::Error },
}

/// The body at `url`, asked for with a bearer token.
pub async fn get(url: &str, token: &str) -> Result<Bytes, HttpError> {
    let request = Request::get(url).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Full::default());
    send(url, request).await
}

/// The JSON at `url`.
pub async fn get_json(url: &str) -> Result<Value, HttpError> {
    let body = send(url, Request::get(url).body(Full::default())).await?;
    serde_json::from_slice(&body).map_err(|source| HttpError::Json { url: url.to_owned(), source })
}

/// Posts JSON; the answer must be a success.
pub async fn post_json(url: &str, body: &Value) -> Result<(), HttpError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())));
    send(url, request).await.map(drop)
}

async fn send(url: &str, request: Result<Request<Full<Bytes>>, hyper::http::Error>) -> Result<Bytes, HttpError> {
    let url = || url.to_owned();
    let request = request.map_err(|source| HttpError::Request { url: url(), source })?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(request).await.map_err(|source| HttpError::Connect { url: url(), source })?;
    let status = answer.status();
    if !status.is_success() {
        return Err(HttpError::Status { url: url(), status: status.as_u16() });
    }
    let body = answer.into_body().collect().await.map_err(|source| HttpError::Body { url: url(), source })?;
    Ok(body.to_bytes())
}
