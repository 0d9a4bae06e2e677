# One image for every process of ours: serve (the default), worker, migrate, inbox and the commands.
FROM python:3.11-slim AS build
ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/perennia
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /build
# The dependencies first: they change seldom, and this layer with them.
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-dev --extra inbox --extra mailbox --no-install-project
COPY perennia perennia
COPY workflows workflows
COPY activities activities
COPY playbooks playbooks
COPY templates templates
COPY worker.py starter.py ./
RUN uv sync --locked --no-dev --extra inbox --extra mailbox --no-editable

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Perennia" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /workspace --shell /usr/sbin/nologin perennia \
    && install -d -o perennia -g perennia /workspace /data
COPY --from=build /opt/perennia /opt/perennia
# The workspace: mount your own over it.
COPY playbooks /workspace/playbooks
COPY templates /workspace/templates
ENV PATH=/opt/perennia/bin:$PATH PYTHONUNBUFFERED=1 PERENNIA_DATA=/data PERENNIA_HTTP=0.0.0.0:8080
USER perennia
WORKDIR /workspace
EXPOSE 8080
# Of `serve`, which is ready when its store answers. Other commands say in docker-compose.yml how they are.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["perennia"]
CMD ["serve"]
