"""Video: the faces of every frame restored and put back, calmly. Needs the extra `[video]` (PyAV).

`read` -> frames; `track`: which face is which, and where between two looks of the detector; `restore`: each frame
as a photo, with positions that do not flicker (`smooth`); `write` -> the file, its sound copied; `convert` joins them.
"""
