//! Large files go up in parts; what fails is aborted, so that no invisible parts are paid for.

use std::{io::SeekFrom, path::Path};

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use futures::{StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{S3Store, checksums, trouble::Action};
use crate::lake::LakeError;

/// Above this a file is sent in parts of this size.
const PART_BYTES: u64 = 16 * 1024 * 1024;
/// S3 takes no more parts than this.
const PARTS_MAX: u64 = 10_000;
/// Parts on the way at the same time.
const PARTS_TOGETHER: usize = 4;

/// An upload that was begun.
struct Upload<'u> {
    key: &'u str,
    path: &'u Path,
    id: String,
    part_bytes: u64,
    /// The same for all parts: what began with checksums must end with them.
    without_checksums: bool,
}

impl S3Store {
    pub(in crate::lake) async fn write_file(&self, key: &str, path: &Path) -> Result<(), LakeError> {
        let bytes = tokio::fs::metadata(path).await.map_err(LakeError::io(path))?.len();
        if bytes <= PART_BYTES {
            let body = tokio::fs::read(path).await.map_err(LakeError::io(path))?;
            return self.write(key, body.into()).await;
        }
        // A server that knows no checksums may say so only at a part: then all of it again without.
        let known_to_refuse = self.refuses_checksums();
        match self.send_in_parts(key, path, bytes).await {
            Err(_) if !known_to_refuse && self.refuses_checksums() => self.send_in_parts(key, path, bytes).await,
            sent => sent,
        }
    }

    async fn send_in_parts(&self, key: &str, path: &Path, bytes: u64) -> Result<(), LakeError> {
        let create = async |without: bool| {
            let upload = self.client.create_multipart_upload().bucket(&self.bucket).key(self.full(key)).customize();
            let upload = if without { upload.config_override(checksums::none()) } else { upload };
            upload.send().await
        };
        let begun = self.checksums.with_or_without(create).await;
        let id = begun.map_err(|error| self.fault(Action::Write, key, &error))?.upload_id.unwrap_or_default();
        let upload = Upload {
            key,
            path,
            id,
            part_bytes: PART_BYTES.max(bytes.div_ceil(PARTS_MAX)),
            without_checksums: self.refuses_checksums(),
        };
        let result = self.send_parts(&upload, bytes).await;
        if result.is_err() {
            self.abort(&upload).await;
        }
        result
    }

    async fn send_parts(&self, upload: &Upload<'_>, bytes: u64) -> Result<(), LakeError> {
        let count = bytes.div_ceil(upload.part_bytes);
        let parts: Vec<CompletedPart> = futures::stream::iter(0..count)
            .map(|index| self.send_part(upload, index, bytes))
            .buffered(PARTS_TOGETHER)
            .try_collect()
            .await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let before = self.stat(upload.key).await.ok();
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.full(upload.key))
            .upload_id(&upload.id)
            .multipart_upload(parts)
            .send()
            .await;
        let Err(error) = completed else { return Ok(()) };
        // Completing takes long and its answer can be lost or garbled after the object is there.
        let after = self.stat(upload.key).await.ok();
        let is_there =
            after.is_some_and(|after| after.bytes == bytes && before.is_none_or(|old| old.etag != after.etag));
        if is_there { Ok(()) } else { Err(self.fault(Action::Write, upload.key, &error)) }
    }

    async fn send_part(&self, upload: &Upload<'_>, index: u64, bytes: u64) -> Result<CompletedPart, LakeError> {
        let from = index * upload.part_bytes;
        let body =
            piece(upload.path, from, upload.part_bytes.min(bytes - from)).await.map_err(LakeError::io(upload.path))?;
        let number = i32::try_from(index + 1).expect("at most PARTS_MAX parts");
        let part = self.client.upload_part().bucket(&self.bucket).key(self.full(upload.key)).upload_id(&upload.id);
        let part = part.part_number(number).body(ByteStream::from(body)).customize();
        let part = if upload.without_checksums { part.config_override(checksums::none()) } else { part };
        let sent = part.send().await.map_err(|error| {
            self.checksums.heard(&error, upload.without_checksums);
            self.fault(Action::Write, upload.key, &error)
        })?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .build())
    }

    async fn abort(&self, upload: &Upload<'_>) {
        let aborted = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(self.full(upload.key))
            .upload_id(&upload.id)
            .send()
            .await;
        if let Err(error) = aborted {
            let why = self.fault(Action::Write, upload.key, &error);
            tracing::warn!(key = upload.key, error = %why, "an unfinished upload could not be aborted");
        }
    }
}

/// A part in memory: its hash is signed, and no server has to know bodies that come with their checksum behind them.
async fn piece(path: &Path, from: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(from)).await?;
    let mut piece = vec![0; usize::try_from(bytes).expect("a part fits in memory")];
    file.read_exact(&mut piece).await?;
    Ok(piece)
}
