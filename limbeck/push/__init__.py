"""How do models reach a branch without a revision? `limbeck push`: plan, proof, run, watch."""
