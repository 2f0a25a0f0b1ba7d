"""Sessions with engines, each started once and asked many things.

    with Spark(home, lake) as spark: spark.rows("select ...")

`rows` gives lists of Python values. `session.py spark HOME LAKE` answers statements, each a line of standard input, with a
line of JSON: for those whose own Python is another. Spark and Trino read and write
through the lake's catalog, which they know as `lk`; both want files of their own only below `home`, and are gone with their block.
"""
import base64
import datetime as dt
import decimal
import glob
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

UTC = dt.timezone.utc


class Spark:
    """Spark in local mode. Statements are its own SQL, tables `lk.main.NAME`."""

    def __init__(self, home, lake):
        self.home, self.lake = os.path.abspath(home), os.path.abspath(lake)

    def __enter__(self):
        jars = ",".join(glob.glob(os.path.join(os.environ["LK_INTEROP_SPARK"], "jars", "*.jar")))
        os.environ["JAVA_HOME"] = os.path.realpath(os.path.join(os.environ["LK_INTEROP_SPARK"], "java"))
        os.makedirs(self.home, exist_ok=True)
        settings = {
            "spark.jars": jars, "spark.driver.memory": "1g", "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.session.timeZone": "UTC",
            "spark.local.dir": self.home, "spark.sql.warehouse.dir": self.home, "spark.sql.shuffle.partitions": "2",
            "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir={self.home}"
                                             f" -Dderby.system.home={self.home}",
            # Answers are over few rows: compiling each statement to bytecode costs more than it saves.
            "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lk": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lk.type": "jdbc", "spark.sql.catalog.lk.jdbc.schema-version": "V1",
            "spark.sql.catalog.lk.uri": f"jdbc:sqlite:{self.lake}/catalog.db?busy_timeout=30000",
            "spark.sql.catalog.lk.warehouse": f"file://{self.lake}",
            "spark.sql.catalog.lk.cache-enabled": "false",  # else counts stay old when others commit
            "spark.sql.catalog.lk.table-default.write.parquet.compression-codec": "zstd",
        }
        # pyspark starts the Java behind a script; a terminal's interrupt and our end must reach both.
        os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join(f"--conf '{k}={v}'" for k, v in settings.items()) + " pyspark-shell"
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        from pyspark.sql import SparkSession
        self.session = SparkSession.builder.master("local[2]").appName("interop").getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        return self

    def rows(self, sql):
        return [list(row) for row in self.session.sql(sql).collect()]

    def __exit__(self, *unused):
        from pyspark import SparkContext
        gateway = SparkContext._gateway
        self.session.stop()
        if gateway:
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait(30)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Trino:
    """A Trino server of one node on loopback. Tables are `main.NAME` of catalog lk."""

    def __init__(self, home, lake):
        self.home, self.lake = os.path.abspath(home), os.path.abspath(lake)

    def __enter__(self):
        base = os.environ["LK_INTEROP_TRINO"]
        self.port = free_port()
        etc = os.path.join(self.home, "etc")
        os.makedirs(os.path.join(etc, "catalog"))
        os.makedirs(os.path.join(self.home, "tmp"))

        def write(name, *lines):
            with open(os.path.join(etc, name), "w") as file:
                file.write("\n".join(lines) + "\n")

        write("config.properties", "coordinator=true", "node-scheduler.include-coordinator=true", "node.bind-ip=127.0.0.1",
              "node.internal-address=127.0.0.1", f"http-server.http.port={self.port}",
              f"discovery.uri=http://127.0.0.1:{self.port}", "query.max-memory=300MB", "query.max-memory-per-node=300MB",
              "memory.heap-headroom-per-node=200MB", "catalog.management=static")
        write("log.properties", "io.trino=WARN")
        write("catalog/lk.properties", "connector.name=iceberg", "iceberg.catalog.type=jdbc",
              "iceberg.jdbc-catalog.catalog-name=lk", "iceberg.jdbc-catalog.driver-class=org.sqlite.JDBC",
              f"iceberg.jdbc-catalog.connection-url=jdbc:sqlite:{self.lake}/catalog.db?busy_timeout=30000",
              f"iceberg.jdbc-catalog.default-warehouse-dir=file://{self.lake}", "fs.hadoop.enabled=true",
              "iceberg.metadata-cache.enabled=false", "iceberg.expire-snapshots.min-retention=0s",
              "iceberg.unique-table-location=false")
        lib = os.path.join(base, "server", "lib")
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(
            [os.path.join(base, "java", "bin", "java"), "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
             "-Duser.timezone=UTC", f"-Djava.io.tmpdir={self.home}/tmp", f"-Dconfig={etc}/config.properties",
             f"-Dlog.levels-file={etc}/log.properties", "-Dnode.environment=interop", "-Dnode.id=interop",
             f"-Dnode.data-dir={self.home}/data", f"-Dcatalog.config-dir={etc}/catalog", f"-Dplugin.dir={base}/server/plugin",
             "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", lib + "/*",
             "io.trino.server.TrinoServer"],
            cwd=self.home, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 120
        while True:
            # It answers some seconds before it takes queries.
            try:
                self.rows("select count(*) from system.runtime.nodes where state = 'active'")
                self.rows("show schemas from lk")
                return self
            except (OSError, RuntimeError) as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    with open(os.path.join(self.home, "log"), errors="replace") as log:
                        raise RuntimeError(f"Trino does not start: {error}; {log.read()[-2000:]}") from None
                time.sleep(0.3)

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def rows(self, sql):
        """On a busy machine its one node is missing now and then, and nothing was run."""
        until = time.monotonic() + 60
        while True:
            try:
                return self.ask(sql)
            except RuntimeError as error:
                if "No nodes available" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.3)

    def ask(self, sql):
        headers = {"X-Trino-User": "interop", "X-Trino-Catalog": "lk", "X-Trino-Schema": "main", "X-Trino-Time-Zone": "UTC",
                   "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"}  # else times come in milliseconds
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/statement", sql.encode(), headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        types, out = None, []
        while True:
            with opener.open(request, timeout=120) as answer:
                page = json.load(answer)
            if "error" in page:
                raise RuntimeError(page["error"]["message"])
            if "columns" in page:
                types = [c["type"] for c in page["columns"]]
            for row in page.get("data", []):
                out.append([trino_value(t, v) for t, v in zip(types, row)])
            if "nextUri" not in page:
                return out
            request = urllib.request.Request(page["nextUri"], headers=headers)


def trino_value(kind, value):
    if value is None:
        return None
    if kind.startswith("decimal"):
        return decimal.Decimal(value)
    if kind == "varbinary":
        return base64.b64decode(value)
    if kind == "date":
        return dt.date.fromisoformat(value)
    if kind.startswith("timestamp"):
        value, zone = value.removesuffix(" UTC"), value.endswith(" UTC")
        made = dt.datetime.fromisoformat(value)
        return made.replace(tzinfo=UTC) if zone else made
    if kind.startswith("time("):
        return dt.time.fromisoformat(value)
    if kind in ("double", "real"):
        return float(value)
    return value


def main():
    kind, home, lake = sys.argv[1:]
    with {"spark": Spark, "trino": Trino}[kind](home, lake) as engine:
        for line in sys.stdin:
            try:
                answer = {"rows": engine.rows(line)}
            except Exception as error:
                answer = {"error": " ".join(str(error).split())[:2000]}
            print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
