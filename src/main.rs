use klfit::{Mixture, divergence::DivergenceKind, fit::{Fit, LogConfig, Plan}, init::Start};
use klfit::{device::Numerics, estimator::EstimatorConfig, optimizer::*};
use klfit::family::{Family, FamilyConfig};
fn main() {
 let numerics = Numerics::cpu();
 let a: f64 = std::env::args().nth(1).unwrap().parse().unwrap();
 let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-a], vec![a]], vec![vec![1.0]; 2]).unwrap();
 for div in DivergenceKind::ALL {
 let plan = Plan {
     label: "forward".into(),
     divergence: div,
     family: Family::new(FamilyConfig::default(), 1),
     start: Start::Random{restarts:64},
     estimator: EstimatorConfig::Quadrature(Default::default()),
     optimizer: OptimizerConfig::Adam(AdamConfig{..Default::default()}),
 };
 let target = klfit::target::mixture(&p, &numerics);
 let t=std::time::Instant::now();
 let fit = Fit::new(&plan, &*target, &numerics, LogConfig::default(), 0).unwrap();
 for r in fit { let r=r.unwrap(); let b=r.runs.iter().min_by(|a,b| a.loss.total_cmp(&b.loss)).unwrap(); if r.step%100==0 {println!("{} {:.3} loss {:.10} g {:.2e} fwd {:.10} {:.1e} rev {:.10} {:.1e} js {:.10} mu {:.8} sd {:.8}", r.step, r.seconds, b.loss, b.gradient_norm, b.evaluation.forward_kl.value, b.evaluation.forward_kl.error, b.evaluation.reverse_kl.value, b.evaluation.reverse_kl.error, b.evaluation.js.value, b.mixture.mean()[0], b.mixture.component_stds(0)[0]);}
  if r.step==1000 { for x in r.runs.iter() { print!("{:.6}/{:.3}/{:.0e} ", x.loss, x.mixture.mean()[0], x.gradient_norm);} println!(); } }
 println!("{:?} {:?}", div, t.elapsed());
 }
}
