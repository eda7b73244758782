//! Large files go up in parts; what fails is aborted, so that no invisible parts are paid for.

use std::path::Path;

use aws_sdk_s3::{
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};
use futures::{StreamExt, TryStreamExt};

use super::S3Store;
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
}

impl S3Store {
    pub(in crate::lake) async fn write_file(&self, key: &str, path: &Path) -> Result<(), LakeError> {
        let bytes = tokio::fs::metadata(path).await.map_err(LakeError::io(path))?.len();
        if bytes <= PART_BYTES {
            let body = tokio::fs::read(path).await.map_err(LakeError::io(path))?;
            return self.put(key, ByteStream::from(body)).await;
        }
        let begun = self.client.create_multipart_upload().bucket(&self.bucket).key(self.full(key)).send().await;
        let id = begun.map_err(|error| self.fault(key, &error))?.upload_id.unwrap_or_default();
        let upload = Upload { key, path, id, part_bytes: PART_BYTES.max(bytes.div_ceil(PARTS_MAX)) };
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
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.full(upload.key))
            .upload_id(&upload.id)
            .multipart_upload(parts)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| self.fault(upload.key, &error))
    }

    async fn send_part(&self, upload: &Upload<'_>, index: u64, bytes: u64) -> Result<CompletedPart, LakeError> {
        let from = index * upload.part_bytes;
        let body = ByteStream::read_from()
            .path(upload.path)
            .offset(from)
            .length(Length::Exact(upload.part_bytes.min(bytes - from)))
            .build()
            .await
            .map_err(|error| LakeError::io(upload.path)(std::io::Error::other(error)))?;
        let number = i32::try_from(index + 1).expect("at most PARTS_MAX parts");
        let sent = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(self.full(upload.key))
            .upload_id(&upload.id)
            .part_number(number)
            .body(body)
            .send()
            .await
            .map_err(|error| self.fault(upload.key, &error))?;
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
            let why = self.fault(upload.key, &error);
            tracing::warn!(key = upload.key, error = %why, "an unfinished upload could not be aborted");
        }
    }
}
