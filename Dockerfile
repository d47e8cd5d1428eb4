# The web page in a container, on the processor:
#     docker build -t faststyle . && docker run --rm -p 8080:8080 -v faststyle:/home/painter/styles faststyle
FROM python:3.12-slim
# In one step, so that what is chosen fits together: PyTorch without CUDA has a version ending in +cpu.
RUN --mount=type=bind,target=/source,rw \
    pip install --no-cache-dir "/source[web,video,onnx]" --extra-index-url https://download.pytorch.org/whl/cpu
RUN useradd --create-home painter
USER painter
WORKDIR /home/painter
RUN mkdir styles
EXPOSE 8080
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/')"]
CMD ["faststyle", "web", "--host", "0.0.0.0", "--folder", "styles"]
