//! Judging: fidelity, calibration, returns, intervals, reports.
//!
//! Everything here asks only for `&dyn WorldModel`, `&dyn Policy` and `dyn Env`: a judge never knows whom it judges.
//!
//! - [`open_loop`] dreams along held-out episodes and compares with three floors
//! - [`play_episodes`] and [`compare`] tell what a policy earns beside chance
//! - [`student_t`], [`bootstrap`] and [`wilson`] say how sure a mean is
//! - [`Report::html`] puts it all on one self-contained page

mod events;
mod interval;
mod metrics;
mod open_loop;
mod report;
mod returns;
mod show;
mod verdict;

pub use events::{Bin, Forecast, auroc, average_precision, brier, calibration_error, reliability};
pub use interval::{Estimate, bootstrap, bootstrap_groups, student_t, wilson};
pub use metrics::{PSNR_CAP, mean_absolute_error, psnr, psnr_changed, ssim};
pub use open_loop::{
    HorizonScores, Metric, OpenLoop, OpenLoopConfig, PredictorScores, Split, Strip, open_loop,
};
pub use report::{Curve, Report};
pub use returns::{EpisodeScore, PlayConfig, ReturnsRow, ReturnsTable, compare, play_episodes};
pub use verdict::Check;

/// Called with what is done and what there is to do in all; an error stops the work and is handed on.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> worldsmith_core::Result<()>;
