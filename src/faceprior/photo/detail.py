"""placeholder until the helper's lands"""
def effective_side(rgb, frame, noise=0.0):
    return frame.side
