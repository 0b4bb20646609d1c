"""What is measured: one module a subject, pure functions beside the equations they compute."""
