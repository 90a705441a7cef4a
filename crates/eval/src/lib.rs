//! Judging: fidelity, calibration, returns, intervals, reports.
