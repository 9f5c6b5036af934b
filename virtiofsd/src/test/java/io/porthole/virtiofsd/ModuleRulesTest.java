package io.porthole.virtiofsd;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** ARCHITECTURE.md, "Modules": who may know whom. */
@AnalyzeClasses(packages = "io.porthole", importOptions = ImportOption.DoNotIncludeTests.class)
final class ModuleRulesTest {
    @ArchTest
    static final ArchRule linuxKnowsNothingAboveIt =
            noClasses()
                    .that()
                    .resideInAPackage("io.porthole.linux..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.porthole.fuse..",
                            "io.porthole.vhostuser..",
                            "io.porthole.virtiofsd..");

    @ArchTest
    static final ArchRule onlyLinuxCallsNativeCode =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.porthole.linux..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("jnr..")
                    .orShould()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("java.lang.foreign.Linker");

    @ArchTest
    static final ArchRule fuseKnowsNoTransportAndNoFiles =
            noClasses()
                    .that()
                    .resideInAPackage("io.porthole.fuse..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.porthole.vhostuser..", "io.porthole.virtiofsd..")
                    .orShould()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("io.porthole.linux.Syscalls");

    @ArchTest
    static final ArchRule vhostUserKnowsNoFuse =
            noClasses()
                    .that()
                    .resideInAPackage("io.porthole.vhostuser..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.porthole.fuse..", "io.porthole.virtiofsd..");

    @ArchTest
    static final ArchRule fileSystemKnowsNoTransport =
            noClasses()
                    .that()
                    .resideInAPackage("io.porthole.virtiofsd.passthrough..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.porthole.vhostuser..",
                            "io.porthole.virtiofsd.transport..",
                            "io.porthole.virtiofsd.cli..");
}
