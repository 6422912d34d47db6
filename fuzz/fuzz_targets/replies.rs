#![no_main]
klfit_fuzz::fuzz!("replies");
