"""What is shipped with gemel: the closure of packages, its bill of materials, its lock."""
