# `faceprior serve` in a container: docker build -t faceprior . && docker run -p 7860:7860 faceprior
# Not built where this was written (no Docker there); its commands are those of the README and of docs/web.md.
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE MODEL_CARD.md ./
COPY src src
RUN pip install --no-cache-dir '.[web]' && useradd --create-home faceprior
USER faceprior
EXPOSE 7860
CMD ["faceprior", "serve", "--host", "0.0.0.0", "--port", "7860"]
