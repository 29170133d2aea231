//! Writes the project that `benches/process.py` measures:
//!
//! `generate REMOTE SHAPE COUNT PER_FILE URL DIRECTORY`, where REMOTE is `kaiten` or `cloudfoundry`, SHAPE is
//! `independent`, `layered`, `chained`, `hub` or `ground` (what the others stand on), and `PER_FILE` is how many resources
//! a file has; `0`: all in one, on a single line.

#[path = "mod.rs"]
mod projects;

use std::path::Path;
use std::{env, fs, io};

use projects::{Remote, Shape};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [remote, shape, count, per_file, url, directory] = &arguments[..] else {
        return Err(io::Error::other("usage: generate REMOTE SHAPE COUNT PER_FILE URL DIRECTORY"));
    };
    let number = |text: &str| text.parse::<usize>().map_err(io::Error::other);
    let (count, per_file) = (number(count)?, number(per_file)?);
    let remote = Remote::ALL.into_iter().find(|known| known.name() == remote);
    let remote = remote.ok_or_else(|| io::Error::other("REMOTE is `kaiten` or `cloudfoundry`"))?;
    let directory = Path::new(directory);
    let resources = directory.join("resources");
    fs::create_dir_all(&resources)?;
    fs::write(directory.join("trueup.toml"), projects::settings(remote, url))?;
    let Some(shape) = Shape::ALL.into_iter().find(|known| known.name() == shape) else {
        return if shape == "ground" {
            fs::write(resources.join("ground.yaml"), projects::ground(remote))
        } else {
            Err(io::Error::other("SHAPE is `independent`, `layered`, `chained`, `hub` or `ground`"))
        };
    };
    if per_file == 0 {
        return fs::write(resources.join("line.yaml"), projects::flow(remote, shape, count));
    }
    for from in (0..count).step_by(per_file) {
        let to = count.min(from + per_file);
        let text = projects::block(remote, shape, from, to, count);
        fs::write(resources.join(format!("{}.yaml", projects::key(from))), text)?;
    }
    Ok(())
}
