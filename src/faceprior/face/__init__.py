"""What a face is here: landmarks, components, the alignment frame, heatmaps."""
