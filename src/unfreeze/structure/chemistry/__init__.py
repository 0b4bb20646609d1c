"""What is known of residues and bonds: elements, components, ideal geometry, covalent links."""
