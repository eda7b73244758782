//! Objects in an S3 bucket. Connections, retries and signatures are the SDK's; sizes, limits and messages are ours.

mod checksums;
mod multipart;
mod retries;
mod trouble;

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    Client,
    config::{Region, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::list_objects_v2::ListObjectsV2Output,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::Object as Listed,
};
use aws_smithy_http_client::tls;
use bytes::Bytes;

pub(super) use self::retries::Retries;
use self::{
    checksums::Checksums,
    trouble::{Action, Address},
};
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
    place: Address,
    checksums: Checksums,
    cache: Cache,
    retries: Retries,
}

impl S3Store {
    pub(super) async fn open(bucket: &str, prefix: &str, options: &StoreOptions, retries: Retries) -> Self {
        let shared = load_config(retries).await;
        // Servers other than AWS seldom have regions, but a signature needs one.
        let region = shared.region().cloned().unwrap_or_else(|| Region::from_static("us-east-1"));
        let place = Address {
            endpoint: shared.endpoint_url().map(str::to_owned),
            bucket: bucket.to_owned(),
            region: region.to_string(),
            path_style: options.s3_path_style,
        };
        let config = aws_sdk_s3::config::Builder::from(&shared).region(region);
        let config = config.force_path_style(options.s3_path_style).retry_partition(Retries::partition()).build();
        Self {
            client: Client::from_conf(config),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            place,
            checksums: Checksums::default(),
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
            let page = page.map_err(|error| self.fault(Action::List, prefix, &error))?;
            self.check_whole(&page)?;
            objects.extend(page.contents().iter().filter_map(|listed| Some((self.object(listed)?, written(listed)))));
        }
        Ok(objects)
    }

    /// A listing that lost its end would read as fewer objects.
    fn check_whole(&self, page: &ListObjectsV2Output) -> Result<(), LakeError> {
        let shown = page.contents().len() + page.common_prefixes().len();
        let counted = page.key_count().and_then(|count| usize::try_from(count).ok());
        if page.is_truncated().is_none() || counted.is_some_and(|counted| counted > shown) {
            return Err(trouble::garbled(&self.place).into());
        }
        if page.is_truncated() == Some(true) && page.next_continuation_token().is_none() {
            return Err(trouble::old_listing(&self.place).into());
        }
        Ok(())
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
        let head = match head {
            Ok(head) => head,
            Err(error) => return Err(self.why_not_shown(key, &error).await),
        };
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
            let body = got.map_err(|error| self.fault(Action::Read, key, &error))?.body;
            match body.collect().await {
                Ok(whole) => return Ok(whole.into_bytes()),
                Err(_) if fetches < self.retries.attempts => self.retries.pause(fetches).await,
                Err(error) => return Err(trouble::broke_off(&self.place, &error).into()),
            }
        }
    }

    /// An answer to HEAD has no body, so the reason of a refusal is asked for in another way.
    async fn why_not_shown<E>(&self, key: &str, error: &SdkError<E>) -> LakeError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let found = self.fault(Action::Read, key, error);
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        if !matches!(status, 300..=403 | 405..=499) || status == 404 {
            return found;
        }
        self.touch(key).await.err().unwrap_or(found)
    }

    pub(super) async fn touch(&self, key: &str) -> Result<(), LakeError> {
        let first = self.client.get_object().bucket(&self.bucket).key(self.full(key)).range("bytes=0-0").send().await;
        first.map(|_| ()).map_err(|error| self.fault(Action::Read, key, &error))
    }

    /// The hash of the body is part of the signature, so that the server finds out what the wire changed.
    pub(super) async fn write(&self, key: &str, bytes: Bytes) -> Result<(), LakeError> {
        let put = async |without: bool| {
            let put = self.client.put_object().bucket(&self.bucket).key(self.full(key));
            let put = put.body(ByteStream::from(bytes.clone())).customize();
            let put = if without { put.config_override(checksums::none()) } else { put };
            put.send().await
        };
        let sent = self.checksums.with_or_without(put).await;
        sent.map(|_| ()).map_err(|error| self.fault(Action::Write, key, &error))
    }

    /// Whether this server turned out not to know the checksums that newer clients send.
    pub(super) fn refuses_checksums(&self) -> bool {
        self.checksums.are_refused()
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), LakeError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(self.full(key)).send().await;
        deleted.map(|_| ()).map_err(|error| self.fault(Action::Delete, key, &error))
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
        Ok(signed.map_err(|error| self.fault(Action::Read, key, &error))?.uri().to_owned())
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
            Err(error) => return Err(self.fault(Action::Read, &object.key, &error)),
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

    /// What an error of the client means for whoever runs this.
    fn fault<E>(&self, action: Action, key: &str, error: &SdkError<E>) -> LakeError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match trouble::words(&self.place, (action, key), error) {
            Some(trouble) => trouble.into(),
            None => LakeError::Missing { place: self.place(), key: key.to_owned() },
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
