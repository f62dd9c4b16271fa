//! Snapshots in an S3-compatible store. Credentials come from the usual `AWS_…` variables and are never written.
//!
//! An upload is visible when it is complete, and not before: the store itself sees to that.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
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
        Self::build(builder, bucket, prefix, spool)
    }

    fn build(builder: AmazonS3Builder, bucket: &str, prefix: &str, spool: PathBuf) -> Result<Self, SnapshotError> {
        // Not every compatible store knows how to delete many at once, or says it in the same words.
        let store = Arc::new(builder.with_disable_bulk_delete(true).build()?);
        Ok(Self { store, bucket: bucket.to_owned(), prefix: prefix.to_owned(), spool })
    }

    pub(super) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    pub(super) fn spool(&self) -> &Path {
        &self.spool
    }

    fn key(&self, name: &Name) -> Key {
        let folder: Key = self.prefix.split('/').filter(|part| !part.is_empty()).collect();
        folder.join(name.venue.as_str()).join(name.file())
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

#[cfg(test)]
mod tests {
    use callnext_engine::VenueId;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use s3s::auth::SimpleAuth;
    use s3s::service::S3ServiceBuilder;
    use s3s_fs::FileSystem;
    use tokio::net::TcpListener;

    use super::super::{Kind, Store};
    use super::*;
    use crate::journal::{Journal as _, MemoryJournal};
    use crate::snapshot::settings::SnapshotSettings;
    use crate::snapshot::{Keeper, sample};

    /// An S3-compatible store on a port of its own, with one bucket. It ends with the test.
    async fn s3(folder: &Path, secret: &str) -> Store {
        std::fs::create_dir_all(folder.join("root/night")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.join("root")).unwrap());
        service.set_auth(SimpleAuth::from_single("callnext", "secret"));
        let service = service.build().into_shared();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let serving = Builder::new(TokioExecutor::new());
                    drop(serving.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = AmazonS3Builder::new()
            .with_bucket_name("night")
            .with_region(REGION)
            .with_endpoint(format!("http://{address}"))
            .with_allow_http(true)
            .with_access_key_id("callnext")
            .with_secret_access_key(secret);
        Store::Objects(Box::new(Objects::build(builder, "night", "a/b", folder.join("spool")).unwrap()))
    }

    fn name(kind: Kind) -> Name {
        Name { venue: VenueId::parse("clinic").unwrap(), date: "2026-03-02".parse().unwrap(), kind }
    }

    async fn put(store: &Store, kind: Kind, content: &[u8]) -> Result<(), SnapshotError> {
        let draft = store.draft(&name(kind)).unwrap();
        std::io::Write::write_all(&mut draft.file(), content).unwrap();
        store.keep(draft, &name(kind)).await
    }

    async fn get(store: &Store, kind: Kind) -> Option<Vec<u8>> {
        let found = store.fetch(&name(kind)).await.unwrap()?;
        Some(std::fs::read(found.path()).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_kept_in_a_bucket_is_listed_read_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = s3(folder.path(), "secret").await;
        assert_eq!(store.list().await.unwrap(), []);
        assert_eq!(get(&store, Kind::Day).await, None);
        // Of one part, and of several, the last of them a short one.
        let long: Vec<u8> = (0..PART_BYTES + 5).map(|at| u8::try_from(at % 251).unwrap()).collect();
        put(&store, Kind::Csv, b"number").await.unwrap();
        put(&store, Kind::Day, &long).await.unwrap();
        assert_eq!(get(&store, Kind::Day).await, Some(long.clone()));
        let kept = store.list().await.unwrap();
        let expected = [(name(Kind::Day), long.len() as u64), (name(Kind::Csv), 6)];
        assert_eq!(kept.into_iter().map(|kept| (kept.name, kept.bytes)).collect::<Vec<_>>(), expected);
        put(&store, Kind::Day, b"other").await.unwrap();
        assert_eq!(get(&store, Kind::Day).await.as_deref(), Some(&b"other"[..]));
        for _ in 0..2 {
            store.remove(&name(Kind::Day)).await.unwrap();
            assert_eq!(get(&store, Kind::Day).await, None);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).unwrap().count(), 0, "no draft is left behind");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nights_go_to_a_bucket_as_they_go_to_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = s3(folder.path(), "secret").await;
        let hall = sample::clinic();
        let venue = hall.venue().config().id.clone();
        let journal = MemoryJournal::new();
        let epoch = journal.open(&venue).await.unwrap().epoch;
        journal.append(&venue, epoch, hall.changes().to_vec()).await.unwrap();
        let settings = SnapshotSettings { journal_days: 0, ..SnapshotSettings::default() };
        let keeper = Keeper::new(Arc::new(journal.clone()), store, settings);
        let done = keeper.catch_up(&venue).await.unwrap();
        assert_eq!((done.written.len(), done.missing.len()), (2, 0), "{:?}", done.problem);
        assert_eq!(keeper.store().list().await.unwrap().len(), 6);
        assert_eq!(journal.days(&venue).await.unwrap().len(), 1);
        let day = keeper.read(&name(Kind::Day)).await.unwrap().unwrap();
        assert_eq!(day.changes, sample::days(&hall)[0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_has_not_the_key_is_refused_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = s3(folder.path(), "guessed").await;
        for refused in [put(&store, Kind::Day, b"day").await, store.list().await.map(drop)] {
            assert!(matches!(refused, Err(SnapshotError::Objects(_))), "{refused:?}");
        }
        assert!(!refused_names_key(&put(&store, Kind::Day, b"day").await.unwrap_err()), "no secret in what is told");
    }

    fn refused_names_key(error: &SnapshotError) -> bool {
        format!("{error} {error:?}").contains("guessed")
    }
}
