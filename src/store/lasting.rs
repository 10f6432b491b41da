//! What lasts of a workspace, as the files of a state.

use super::data_dir::{self, DataDir};
use super::error::StoreError;
use super::file::{own_folder, read_whole, replace, sweep};
use super::flow_client::FlowClient;
use super::lock::Lock;
use crate::ids::RelPath;
use crate::state::{ARCHIVE, DATA, FLOW_CLIENT, Files, LARGEST_FILE};

/// The flow client's state and the journals of DATA_DIR: what another machine has to know.
#[derive(Debug)]
pub(crate) struct Lasting<'a> {
    client: &'a FlowClient,
    data: &'a DataDir,
}

impl<'a> Lasting<'a> {
    /// What lasts of `client` and `data`.
    pub(crate) const fn new(client: &'a FlowClient, data: &'a DataDir) -> Self {
        Self { client, data }
    }

    /// The files that are there.
    ///
    /// # Errors
    /// Where one cannot be read or is larger than a state may hold.
    pub(crate) fn read(&self) -> Result<Files, StoreError> {
        let mut files = Files::new();
        for (path, place) in self.places() {
            if let Some(bytes) = read_whole(&place, LARGEST_FILE)? {
                files.insert(path, bytes);
            }
        }
        Ok(files)
    }

    /// Changes the files, with nobody else changing one in between, and says whether anything was written.
    /// Each file is replaced in one step, and only where it differs. Files of other names are left out: they
    /// are not read on this machine.
    ///
    /// # Errors
    /// Where a folder cannot be locked, or a file not be read or replaced. Those before it are replaced then.
    pub(crate) fn update(&self, change: impl FnOnce(&Files) -> Files) -> Result<bool, StoreError> {
        data_dir::prepare(self.data.path())?;
        own_folder(self.client.own())?;
        let _data = Lock::folder(self.data.path())?;
        let _client = Lock::folder(self.client.folder())?;
        let before = self.read()?;
        let after = change(&before);
        let mut has_written = false;
        for (path, place) in self.places() {
            let Some(bytes) = after.get(&path).filter(|bytes| before.get(&path) != Some(bytes)) else {
                continue;
            };
            sweep(&place)?;
            replace(&place, bytes)?;
            has_written = true;
        }
        Ok(has_written)
    }

    /// Every file of a state that this machine reads, and where it lies.
    fn places(&self) -> Vec<(RelPath, std::path::PathBuf)> {
        let journals = data_dir::lasting();
        let journals = journals.map(|name| (format!("{DATA}/{name}"), self.data.path().join(name)));
        let client = [(FLOW_CLIENT, self.client.path()), (ARCHIVE, self.client.archive())];
        let client = client.into_iter().map(|(name, place)| (name.to_owned(), place));
        let all = client.chain(journals);
        all.filter_map(|(path, place)| Some((path.parse().ok()?, place))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::union;

    fn place() -> (tempfile::TempDir, FlowClient, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let (client, data) = (FlowClient::open(dir.path()), DataDir::open(&dir.path().join("data")));
        (dir, client, data)
    }

    #[test]
    fn only_files_with_known_names_are_written_and_only_where_they_differ() {
        let (dir, client, data) = place();
        let lasting = Lasting::new(&client, &data);
        let theirs: Files = [
            ("data/releases.jsonl", "{}\n"),
            ("data/feed-state.json", "{}"),
            ("data/.lock", "x"),
            ("data/evil.sh", "x"),
            ("elsewhere", "x"),
            (FLOW_CLIENT, "{\"events\": [], \"runs\": []}"),
        ]
        .into_iter()
        .map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec()))
        .collect();

        assert!(lasting.update(|ours| union(ours, &theirs)).unwrap());
        assert!(!lasting.update(|ours| union(ours, &theirs)).unwrap());

        let mut found = lasting.read().unwrap();
        assert!(found.iter().all(|(path, bytes)| theirs.get(path) == Some(bytes)));
        assert!(found.remove(&FLOW_CLIENT.parse().unwrap()).is_some());
        assert_eq!(found.len(), 2);
        assert!(!dir.path().join("data/evil.sh").exists() && !dir.path().join("elsewhere").exists());
        assert_eq!(std::fs::read(dir.path().join("data/.gitignore")).unwrap(), b"*\n");
    }
}
