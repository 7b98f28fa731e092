"""Diagrams of tables and relations: Mermaid, SVG, HTML, JSON."""
