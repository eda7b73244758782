//! Objects in an S3 bucket. Connections, retries and signatures are the SDK's; sizes, limits and messages are ours.

mod multipart;
mod retries;

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    Client,
    config::{Region, timeout::TimeoutConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::Object as Listed,
};
use aws_smithy_http_client::tls;
use bytes::Bytes;

pub(super) use self::retries::Retries;
use super::{LakeError, Object, StoreOptions, cache::Cache, file};

/// A signature of AWS lives no longer.
const LONGEST_LINK: Duration = Duration::from_hours(7 * 24);
/// What is not as written so often in a row lies there so.
const DAMAGED_MAX: u32 = 2;

#[derive(Debug)]
pub(super) struct S3Store {
    client: Client,
    bucket: String,
    /// Without slashes around; empty for the whole bucket.
    prefix: String,
    /// As errors name it.
    endpoint: String,
    cache: Cache,
    retries: Retries,
}

impl S3Store {
    pub(super) async fn open(bucket: &str, prefix: &str, options: &StoreOptions, retries: Retries) -> Self {
        let shared = load_config(retries).await;
        let endpoint = shared.endpoint_url().map_or_else(|| "AWS S3".to_owned(), str::to_owned);
        // Servers other than AWS seldom have regions, but a signature needs one.
        let region = shared.region().cloned().unwrap_or_else(|| Region::from_static("us-east-1"));
        let config = aws_sdk_s3::config::Builder::from(&shared).region(region);
        let config = config.force_path_style(options.s3_path_style).retry_partition(Retries::partition()).build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint,
            cache: Cache::new(options.cache_dir.clone(), options.cache_bytes),
            retries,
        }
    }

    pub(super) fn place(&self) -> String {
        if self.prefix.is_empty() {
            format!("s3://{}", self.bucket)
        } else {
            format!("s3://{}/{}", self.bucket, self.prefix)
        }
    }

    fn full(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    /// With the time of the last write.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(Object, SystemTime)>, LakeError> {
        let mut pages =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(self.full(prefix)).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.fault(prefix, &error))?;
            objects.extend(page.contents().iter().filter_map(|listed| Some((self.object(listed)?, written(listed)))));
        }
        Ok(objects)
    }

    /// `None` for the empty objects that consoles write to show a folder.
    fn object(&self, listed: &Listed) -> Option<Object> {
        let full = listed.key().filter(|key| !key.ends_with('/'))?;
        let key = if self.prefix.is_empty() { full } else { full.strip_prefix(&self.prefix)?.strip_prefix('/')? };
        Some(Object {
            key: key.to_owned(),
            bytes: u64::try_from(listed.size().unwrap_or(0)).unwrap_or(0),
            etag: plain_etag(listed.e_tag()),
        })
    }

    pub(super) async fn stat(&self, key: &str) -> Result<Object, LakeError> {
        let head = self.client.head_object().bucket(&self.bucket).key(self.full(key)).send().await;
        let head = head.map_err(|error| self.fault(key, &error))?;
        Ok(Object {
            key: key.to_owned(),
            bytes: u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0),
            etag: plain_etag(head.e_tag()),
        })
    }

    pub(super) async fn read(&self, key: &str) -> Result<Bytes, LakeError> {
        let mut fetches = 0;
        loop {
            fetches += 1;
            let got = self.client.get_object().bucket(&self.bucket).key(self.full(key)).send().await;
            let body = got.map_err(|error| self.fault(key, &error))?.body;
            match body.collect().await {
                Ok(whole) => return Ok(whole.into_bytes()),
                Err(_) if fetches < self.retries.attempts => self.retries.pause(fetches).await,
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
    }

    pub(super) async fn write(&self, key: &str, bytes: Bytes) -> Result<(), LakeError> {
        self.put(key, ByteStream::from(bytes)).await
    }

    async fn put(&self, key: &str, body: ByteStream) -> Result<(), LakeError> {
        let put = self.client.put_object().bucket(&self.bucket).key(self.full(key)).body(body).send().await;
        put.map(|_| ()).map_err(|error| self.fault(key, &error))
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), LakeError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(self.full(key)).send().await;
        deleted.map(|_| ()).map_err(|error| self.fault(key, &error))
    }

    /// A copy whose hash is not `sha256` is fetched again, like one that broke off: the wire may have changed it.
    pub(super) async fn local_copy(&self, object: &Object, sha256: Option<&str>) -> Result<PathBuf, LakeError> {
        let mut object = object.clone();
        let mut damaged = 0;
        for fetches in 1..=self.retries.attempts {
            let path = self.cache.path(&self.bucket, &self.full(&object.key), &object.etag);
            if Cache::hit(&path) {
                return Ok(path);
            }
            match self.fetch(&object).await? {
                Fetched::Whole(file) if is_as_written(&file, sha256).await? => {
                    self.cache.keep(file, &path)?;
                    return Ok(path);
                }
                Fetched::Whole(_) => {
                    damaged += 1;
                    if damaged == DAMAGED_MAX {
                        return Err(LakeError::Damaged { place: self.place(), key: object.key });
                    }
                }
                Fetched::BrokeOff => self.retries.pause(fetches).await,
                Fetched::Changed => object = self.stat(&object.key).await?,
            }
        }
        Err(LakeError::Unstable { key: object.key })
    }

    pub(super) async fn link(&self, key: &str, valid: Duration) -> Result<String, LakeError> {
        let name = key.rsplit('/').next().unwrap_or(key);
        let expires = PresigningConfig::expires_in(valid.min(LONGEST_LINK)).expect("at most a week is allowed");
        let get = self.client.get_object().bucket(&self.bucket).key(self.full(key));
        let signed =
            get.response_content_disposition(format!("attachment; filename=\"{name}\"")).presigned(expires).await;
        Ok(signed.map_err(|error| self.fault(key, &error))?.uri().to_owned())
    }

    async fn fetch(&self, object: &Object) -> Result<Fetched, LakeError> {
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.full(&object.key))
            .if_match(format!("\"{}\"", object.etag))
            .send()
            .await;
        let body = match got {
            Ok(got) => got.body,
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 412) => {
                return Ok(Fetched::Changed);
            }
            Err(error) => return Err(self.fault(&object.key, &error)),
        };
        let file = self.cache.begin()?;
        let mut writer = tokio::fs::File::create(file.path()).await.map_err(LakeError::io(file.path()))?;
        let copied = tokio::io::copy(&mut body.into_async_read(), &mut writer).await;
        tokio::io::AsyncWriteExt::flush(&mut writer).await.map_err(LakeError::io(file.path()))?;
        match copied {
            Ok(bytes) if bytes == object.bytes => Ok(Fetched::Whole(file)),
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Err(LakeError::io(file.path())(error)),
            _ => Ok(Fetched::BrokeOff),
        }
    }

    /// What an SDK error means for whoever runs this.
    fn fault<E>(&self, key: &str, error: &SdkError<E>) -> LakeError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (endpoint, bucket) = (self.endpoint.clone(), self.bucket.clone());
        let code = error.code().unwrap_or_default().to_owned();
        let why = DisplayErrorContext(error).to_string();
        let Some(status) = error.raw_response().map(|raw| raw.status().as_u16()) else {
            return if why.contains("credentials") {
                LakeError::NoCredentials { endpoint, bucket }
            } else {
                self.unreachable(error)
            };
        };
        match status {
            404 if code == "NoSuchBucket" => LakeError::NoBucket { endpoint, bucket },
            404 => LakeError::Missing { place: self.place(), key: key.to_owned() },
            401 | 403 => {
                LakeError::Refused { endpoint, bucket, code: if code.is_empty() { status.to_string() } else { code } }
            }
            _ => {
                let transient = matches!(status, 200..300 | 408 | 429 | 500..) || code == "SlowDown";
                LakeError::Service { endpoint, bucket, why: format!("HTTP {status}, {}", innermost(error)), transient }
            }
        }
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> LakeError {
        LakeError::Unreachable {
            endpoint: self.endpoint.clone(),
            bucket: self.bucket.clone(),
            why: innermost(error).to_string(),
        }
    }
}

async fn is_as_written(file: &tempfile::NamedTempFile, sha256: Option<&str>) -> Result<bool, LakeError> {
    match sha256 {
        None => Ok(true),
        Some(sha256) => Ok(file::sha256_of(file.path()).await? == sha256),
    }
}

enum Fetched {
    Whole(tempfile::NamedTempFile),
    BrokeOff,
    /// The object is another one than the listing said.
    Changed,
}

/// The environment's settings (`AWS_ENDPOINT_URL`, keys, region, profile), with ring as the only TLS.
async fn load_config(retries: Retries) -> aws_config::SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .operation_attempt_timeout(Duration::from_mins(5))
        .build();
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(retries.config())
        .load()
        .await
}

/// The time of the last write, in seconds; the future when the server does not say.
fn written(listed: &Listed) -> SystemTime {
    let seconds = listed.last_modified().and_then(|time| u64::try_from(time.secs()).ok());
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)))
}

fn plain_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// The cause that says most: "Connection refused" rather than "dispatch failure".
fn innermost<'e>(error: &'e (dyn std::error::Error + 'static)) -> &'e (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
