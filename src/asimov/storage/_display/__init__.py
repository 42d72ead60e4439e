"""Display: plain values as text and as HTML."""
