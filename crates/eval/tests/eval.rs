//! The judge, judged: hand-computed numbers, parity with scikit-image, and toy worlds whose best model is known.

#[path = "eval/numbers.rs"]
mod numbers;
#[path = "eval/open_loop.rs"]
mod open_loop;
#[path = "eval/pictures.rs"]
mod pictures;
#[path = "eval/report.rs"]
mod report;
#[path = "eval/returns.rs"]
mod returns;
#[path = "eval/toy.rs"]
mod toy;
