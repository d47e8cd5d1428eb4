"Sound of several channels in files of other types."

import av
import numpy as np
import pytest

from faststyle_fastai.all import paint_video


def surround(film, path, layout):
    "The film with a second of True Audio, whose channels are as loud as their number."
    with av.open(str(film)) as moving, av.open(str(path), "w") as out:
        video = out.add_stream_from_template(moving.streams.video[0])
        sound = out.add_stream("tta", rate=48_000)
        sound.layout = layout
        n = sound.layout.nb_channels
        tone = np.sin(np.arange(48_000) / 20)[:, None] * (1 + np.arange(n)) * 3000
        frame = av.AudioFrame.from_ndarray(tone.astype(np.int16).reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = 48_000, 0
        for packet in moving.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                out.mux(packet)
        out.mux(sound.encode(frame))
        out.mux(sound.encode())
    return path


@pytest.mark.parametrize(
    "layout, kind, right",
    [("5.1(side)", ".mp4", "5.1"), ("5.1", ".webm", "5.1"), ("2.1", ".mp4", "stereo"),
     ("mono", ".webm", "mono")],
)  # fmt: skip
def test_channels_are_kept_where_they_can_be(paint, film, tmp_path, layout, kind, right, recwarn):
    source = surround(film, tmp_path / "in.mkv", layout)
    with av.open(str(paint_video(paint, source, tmp_path / f"out{kind}"))) as painted:
        sound = painted.streams.audio[0]
        heard = np.concatenate([f.to_ndarray() for f in painted.decode(sound)], -1)
        assert sound.layout.name == right
    loud = np.abs(heard.reshape(sound.layout.nb_channels, -1)).max(1)
    assert len(loud) < 3 or loud[-1] > 2 * loud[0] > 0.1  # each in its place
    said = [str(one.message) for one in recwarn if "sound. It becomes" in str(one.message)]
    assert len(said) == 1 and (right == "stereo") == said[0].endswith("in stereo.")
