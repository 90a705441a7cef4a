//! The main job in one call: collect, train, judge, report.

use std::path::{Path, PathBuf};

use worldsmith_core::{Error, ErrorKind, Result};

use crate::{JudgeRequest, Judgement, Progress, Request, Run, RunConfig, Stop, Trained, judge};

/// What to do with a run folder that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Leave it alone and fail.
    #[default]
    Refuse,
    /// Go on with the run in it.
    Resume,
    /// Delete it.
    Replace,
}

/// Opens the run that `request` asks for in the folder `dir`. To resume whatever is there, ask for nothing
/// ([`Request::default`]).
///
/// # Errors
/// As [`Run::create`] and [`Run::resume`]; [`ErrorKind::Mismatch`] if the run that is there is not the one asked for.
pub fn open_run(
    request: &Request,
    dir: &Path,
    existing: Existing,
    progress: &mut dyn Progress,
) -> Result<Run> {
    if existing != Existing::Resume {
        return Run::create(&RunConfig::resolve(request)?, dir, existing == Existing::Replace);
    }
    let run = Run::resume(dir, &mut |w| progress.warn(w))?;
    if *request != Request::default() {
        let asked = RunConfig::resolve(request)?;
        if let Some((key, was, now)) = run.config().difference(&asked) {
            let message = format!("the run was started with `{key}` = {was}: expected the same, got {now}");
            return Err(Error::new(ErrorKind::Mismatch, message)
                .at(dir)
                .hint("leave the option out to go on, or start another run with `--out`"));
        }
    }
    Ok(run)
}

/// The quickstart's request: the `small` DreamerV3 on Breakout.
pub fn quickstart_request() -> Request {
    Request {
        recipe: "dreamer_v3".into(),
        preset: Some("small".into()),
        env: Some("breakout".into()),
        ..Request::default()
    }
}

/// Trains what `request` asks for in `dir` and judges it.
///
/// # Errors
/// As [`Run::train`] and [`judge`].
pub fn train_and_judge(
    request: &Request,
    dir: &Path,
    existing: Existing,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<(Trained, Judgement)> {
    let trained = open_run(request, dir, existing, progress)?.train(progress, stop)?;
    let request = JudgeRequest { run: PathBuf::from(dir), ..JudgeRequest::default() };
    Ok((trained, judge(&request, progress, stop)?))
}
