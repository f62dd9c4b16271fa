//! Snapshots in an S3-compatible store. Credentials come from the usual `AWS_…` variables and are never written.
//!
//! An upload is visible when it is complete, and not before: the store itself sees to that.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{MultipartUpload as _, ObjectStore as _, ObjectStoreExt as _};

use super::super::error::SnapshotError;
use super::directory::make_folder;
use super::draft::Draft;
use super::{Kept, Name};

/// Size of one part of an upload, and so of what of a file is in memory. S3 wants at least 5 MiB, and at most 10,000
/// of them: files of up to 80 GB.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Where requests go unless the settings or the environment name a region.
const REGION: &str = "us-east-1";

/// A bucket, and what the keys of snapshots in it begin with.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<AmazonS3>,
    bucket: String,
    prefix: String,
    spool: PathBuf,
}

impl Objects {
    pub(super) fn open(
        bucket: &str,
        prefix: &str,
        endpoint: Option<&str>,
        region: Option<&str>,
        spool: PathBuf,
    ) -> Result<Self, SnapshotError> {
        // Whoever else installed one first is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if region.is_some() || std::env::var_os("AWS_REGION").is_none() {
            builder = builder.with_region(region.unwrap_or(REGION));
        }
        let store = Arc::new(builder.build()?);
        Ok(Self { store, bucket: bucket.to_owned(), prefix: prefix.to_owned(), spool })
    }

    pub(super) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn key(&self, name: &Name) -> Key {
        Key::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()))
            .join(name.venue.as_str())
            .join(name.file())
    }

    pub(super) fn draft(&self, name: &Name) -> Result<Draft, SnapshotError> {
        make_folder(&self.spool)?;
        Draft::new(&self.spool, &format!("{}.{}", name.venue, name.file()))
    }

    pub(super) async fn keep(&self, draft: Draft, name: &Name) -> Result<(), SnapshotError> {
        let key = self.key(name);
        let mut file = Parts::of(&draft)?;
        if file.left <= PART_BYTES {
            let Some(only) = file.next().await? else { return Err(SnapshotError::Thread) };
            self.store.put(&key, only.into()).await?;
            return Ok(());
        }
        let mut upload = self.store.put_multipart(&key).await?;
        let sent = async {
            while let Some(part) = file.next().await? {
                upload.put_part(part.into()).await?;
            }
            upload.complete().await?;
            Ok(())
        };
        let sent = sent.await;
        if sent.is_err() {
            // Parts that are never completed cost money; should this fail too, the bucket's own rule clears them.
            drop(upload.abort().await);
        }
        sent
    }

    pub(super) async fn fetch(&self, name: &Name) -> Result<Option<Draft>, SnapshotError> {
        let found = match self.store.get(&self.key(name)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let copy = self.draft(name)?;
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            let mut file = copy.file().try_clone().map_err(SnapshotError::at(copy.path()))?;
            super::blocking(move || Ok(std::io::Write::write_all(&mut file, &piece)?)).await?;
        }
        Ok(Some(copy))
    }

    pub(super) async fn list(&self) -> Result<Vec<Kept>, SnapshotError> {
        let prefix = (!self.prefix.is_empty()).then(|| Key::from(self.prefix.as_str()));
        let mut objects = self.store.list(prefix.as_ref());
        let mut kept = Vec::new();
        while let Some(object) = objects.try_next().await? {
            let parts: Vec<_> = object.location.parts().collect();
            if let [.., venue, file] = &parts[..]
                && let Some(name) = Name::parse(venue.as_ref(), file.as_ref())
                && self.key(&name) == object.location
            {
                kept.push(Kept { name, bytes: object.size });
            }
        }
        Ok(kept)
    }

    pub(super) async fn remove(&self, name: &Name) -> Result<(), SnapshotError> {
        match self.store.delete(&self.key(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            deleted => Ok(deleted?),
        }
    }

    pub(super) fn tidy(&self) -> Result<(), SnapshotError> {
        Draft::tidy(&self.spool)
    }
}

/// A draft, read in parts.
struct Parts {
    file: File,
    left: u64,
}

impl Parts {
    fn of(draft: &Draft) -> Result<Self, SnapshotError> {
        let mut file = draft.file().try_clone().map_err(SnapshotError::at(draft.path()))?;
        let left = file.seek(SeekFrom::End(0)).map_err(SnapshotError::at(draft.path()))?;
        file.seek(SeekFrom::Start(0)).map_err(SnapshotError::at(draft.path()))?;
        Ok(Self { file, left })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        if self.left == 0 {
            return Ok(None);
        }
        let size = self.left.min(PART_BYTES);
        self.left -= size;
        let mut file = self.file.try_clone()?;
        let part = super::blocking(move || {
            let mut part = vec![0; usize::try_from(size).unwrap_or_default()];
            file.read_exact(&mut part)?;
            Ok(part)
        });
        Ok(Some(part.await?.into()))
    }
}
