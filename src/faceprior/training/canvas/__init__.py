"""The training of the canvas: SPAN's public weights, trained on for photos as people have them."""
