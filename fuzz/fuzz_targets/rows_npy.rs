#![no_main]
klfit_fuzz::fuzz!("rows_npy");
