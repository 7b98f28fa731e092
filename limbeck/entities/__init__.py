"""What is declared beside the models and created with them."""
from __future__ import annotations
